//! What platforms take, as they say it themselves.
//!
//! A limit that is stated in MB or GB counts as MiB or GiB, as AWS counts its own (250 MB are 262,144,000 bytes): where a
//! platform does not say which it means, what is reported to be over the limit is over it either way. `checked` is the
//! day on which the source was last read.

use serde::Serialize;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const GIB: u64 = 1024 * MIB;

/// What a limit is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// Unpacked bytes of the function and its layers together.
    Unpacked,
    /// Bytes of an archive that is uploaded by itself: the function's, and each layer's.
    Upload,
    /// Bytes of the function's archive, however it gets there.
    Packed,
    /// Number of layers.
    Layers,
    /// Unpacked bytes of all layers of a container image.
    Image,
}

#[derive(Debug)]
pub struct Limit {
    pub measure: Measure,
    pub most: u64,
    /// What it is, for people.
    pub what: &'static str,
    /// What to do about what is over it.
    pub remedy: &'static str,
    pub source: &'static str,
    pub checked: &'static str,
}

#[derive(Debug)]
pub struct Platform {
    /// As `--platform` takes it.
    pub name: &'static str,
    /// As people call it.
    pub title: &'static str,
    /// Whether functions run on Linux.
    pub is_linux: bool,
    pub limits: &'static [Limit],
    /// What there is where nothing can be left out.
    pub way_out: &'static str,
}

const SMALLER: &str = "leave out what the plan of `fnaudit size` lists";

const LAMBDA: &str = "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html";
const GOOGLE: &str = "https://cloud.google.com/functions/quotas-1st-gen";
const AZURE: &str =
    "https://learn.microsoft.com/azure/azure-functions/functions-scale#service-limits";
const AZURE_PACKAGE: &str =
    "https://learn.microsoft.com/azure/azure-functions/run-functions-from-deployment-package";
const VERCEL: &str = "https://vercel.com/kb/guide/troubleshooting-function-250mb-limit";
const NETLIFY: &str = "https://docs.netlify.com/build/functions/overview/";
const CLOUDFLARE: &str = "https://developers.cloudflare.com/workers/platform/limits/";

/// The day on which the sources were read.
const READ: &str = "2026-11-28";
/// Where a source could not be read and others were: see docs/size.md.
const NOT_READ: &str = "not read at its source";

const fn azure_package() -> Limit {
    Limit {
        measure: Measure::Packed,
        most: GIB,
        what: "packed, to run from a package",
        remedy: SMALLER,
        source: AZURE_PACKAGE,
        checked: READ,
    }
}

const fn azure_storage(most: u64, what: &'static str) -> Limit {
    Limit {
        measure: Measure::Unpacked,
        most,
        what,
        remedy: SMALLER,
        source: AZURE,
        checked: READ,
    }
}

const AZURE_WAY_OUT: &str = "a larger plan, or a container";

const VERCEL_WAY_OUT: &str = "large functions on Fluid compute, which may have 5 GB, or several functions with a part of it each";

/// Of all of Cloudflare's plans. What a Worker takes once it is compressed is limited no more since 2026-09-04.
const WORKER: Limit = Limit {
    measure: Measure::Unpacked,
    most: 64 * MIB,
    what: "before compression",
    remedy: SMALLER,
    source: CLOUDFLARE,
    checked: READ,
};
const WORKER_WAY_OUT: &str = "several Workers with a part of it each";

/// Every platform, in the order of `--help`.
pub static PLATFORMS: &[Platform] = &[
    Platform {
        name: "aws-lambda",
        title: "AWS Lambda",
        is_linux: true,
        limits: &[
            Limit {
                measure: Measure::Unpacked,
                most: 250 * MIB,
                what: "unpacked, function and layers",
                remedy: SMALLER,
                source: LAMBDA,
                checked: READ,
            },
            Limit {
                measure: Measure::Upload,
                most: 50 * MIB,
                what: "packed, for a direct upload",
                remedy: "upload it through S3, where no such limit holds",
                source: LAMBDA,
                checked: READ,
            },
            Limit {
                measure: Measure::Layers,
                most: 5,
                what: "layers",
                remedy: "put several layers into one",
                source: LAMBDA,
                checked: READ,
            },
            Limit {
                measure: Measure::Image,
                most: 10 * GIB,
                what: "container image, all layers unpacked",
                remedy: SMALLER,
                source: LAMBDA,
                checked: READ,
            },
        ],
        way_out: "a container image, which may have 10 GB",
    },
    Platform {
        name: "google-functions",
        title: "Cloud Run functions (2nd gen)",
        is_linux: true,
        // The table of quotas has none for the size of a deployment of the 2nd generation.
        limits: &[],
        way_out: "a container image on Cloud Run",
    },
    Platform {
        name: "google-functions-gen1",
        title: "Cloud Run functions (1st gen)",
        is_linux: true,
        limits: &[
            Limit {
                measure: Measure::Unpacked,
                most: 500 * MIB,
                what: "unpacked, sources and modules",
                remedy: SMALLER,
                source: GOOGLE,
                checked: READ,
            },
            Limit {
                measure: Measure::Packed,
                most: 100 * MIB,
                what: "packed, sources",
                remedy: "have the platform install the dependencies, or use the 2nd generation",
                source: GOOGLE,
                checked: READ,
            },
        ],
        way_out: "the 2nd generation, or a container image on Cloud Run",
    },
    Platform {
        name: "azure-functions",
        title: "Azure Functions",
        is_linux: false,
        limits: &[azure_package()],
        way_out: AZURE_WAY_OUT,
    },
    Platform {
        name: "azure-functions-consumption",
        title: "Azure Functions (Consumption plan)",
        is_linux: false,
        limits: &[
            azure_package(),
            azure_storage(GIB, "unpacked, persisted storage"),
        ],
        way_out: AZURE_WAY_OUT,
    },
    Platform {
        name: "azure-functions-flex",
        title: "Azure Functions (Flex Consumption plan)",
        is_linux: true,
        limits: &[
            azure_package(),
            // 0.8 GB.
            azure_storage(8 * GIB / 10, "unpacked, temporary storage"),
        ],
        way_out: AZURE_WAY_OUT,
    },
    Platform {
        name: "azure-functions-premium",
        title: "Azure Functions (Premium plan)",
        is_linux: false,
        limits: &[
            azure_package(),
            azure_storage(250 * GIB, "unpacked, persisted storage"),
        ],
        way_out: AZURE_WAY_OUT,
    },
    Platform {
        name: "azure-functions-dedicated",
        title: "Azure Functions (Dedicated plan)",
        is_linux: false,
        limits: &[
            azure_package(),
            // The smallest of the plans that have from 10 to 1,000 GB.
            azure_storage(10 * GIB, "unpacked, persisted storage of the smallest plan"),
        ],
        way_out: AZURE_WAY_OUT,
    },
    Platform {
        name: "vercel",
        title: "Vercel Functions",
        is_linux: true,
        limits: &[Limit {
            measure: Measure::Unpacked,
            most: 250 * MIB,
            what: "unpacked",
            remedy: SMALLER,
            source: VERCEL,
            checked: READ,
        }],
        way_out: VERCEL_WAY_OUT,
    },
    Platform {
        name: "vercel-python",
        title: "Vercel Functions (Python)",
        is_linux: true,
        limits: &[Limit {
            measure: Measure::Unpacked,
            most: 500 * MIB,
            what: "unpacked",
            remedy: SMALLER,
            source: VERCEL,
            checked: READ,
        }],
        way_out: VERCEL_WAY_OUT,
    },
    Platform {
        name: "netlify",
        title: "Netlify Functions",
        is_linux: true,
        limits: &[
            Limit {
                measure: Measure::Unpacked,
                most: 250 * MIB,
                what: "unpacked",
                remedy: SMALLER,
                source: NETLIFY,
                checked: NOT_READ,
            },
            Limit {
                measure: Measure::Packed,
                most: 50 * MIB,
                what: "packed",
                remedy: SMALLER,
                source: NETLIFY,
                checked: NOT_READ,
            },
        ],
        way_out: "several functions with a part of it each",
    },
    Platform {
        name: "cloudflare-workers",
        title: "Cloudflare Workers (paid)",
        is_linux: false,
        limits: &[WORKER],
        way_out: WORKER_WAY_OUT,
    },
    Platform {
        name: "cloudflare-workers-free",
        title: "Cloudflare Workers (free)",
        is_linux: false,
        limits: &[WORKER],
        way_out: WORKER_WAY_OUT,
    },
];

/// The platform of that name.
pub fn named(name: &str) -> Option<&'static Platform> {
    PLATFORMS.iter().find(|platform| platform.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_limit_of_lambda_is_the_one_in_its_message() {
        let lambda = named("aws-lambda").unwrap();
        assert_eq!(lambda.limits[0].most, 262_144_000);
    }

    #[test]
    fn names_are_unique_and_every_limit_has_a_source() {
        let names: HashSet<&str> = PLATFORMS.iter().map(|p| p.name).collect();
        assert_eq!(names.len(), PLATFORMS.len());
        for limit in PLATFORMS.iter().flat_map(|platform| platform.limits) {
            assert!(limit.source.starts_with("https://"), "{limit:?}");
            assert!(limit.most > 0 && !limit.checked.is_empty(), "{limit:?}");
        }
    }
}
