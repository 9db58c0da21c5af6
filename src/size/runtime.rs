//! What a runtime has anyway.
//!
//! AWS: "Runtime-included SDK versions", <https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html> and
//! <https://docs.aws.amazon.com/lambda/latest/dg/lambda-nodejs.html>, read on 2026-11-28. AWS changes the versions when it
//! likes and advises to bring one's own: so what is said here is always to be tried first. Azure:
//! <https://learn.microsoft.com/azure/azure-functions/functions-reference-python>; not read at its source.

use std::collections::HashSet;

use serde::Serialize;

use super::{Amount, Deployment};
use crate::component::{Component, Ecosystem};

/// A package that the runtime has too.
#[derive(Debug, Serialize)]
pub struct Provided {
    pub purl: String,
    #[serde(flatten)]
    pub amount: Amount,
    /// What has it.
    pub runtime: String,
    #[serde(skip)]
    pub(super) component: usize,
}

/// Those that are not the SDK itself.
const NEEDED_BY_SDK: [&str; 5] = [
    "jmespath",
    "python-dateutil",
    "s3transfer",
    "six",
    "urllib3",
];

struct Has {
    platform: &'static str,
    language: &'static str,
    ecosystem: Ecosystem,
    /// Major versions of the runtime, first and last.
    versions: (u32, u32),
    /// Names; one that ends with `/` is a scope.
    names: &'static [&'static str],
}

const RUNTIMES: &[Has] = &[
    // boto3 and what it needs.
    Has {
        platform: "aws-lambda",
        language: "python",
        ecosystem: Ecosystem::PyPi,
        versions: (3, 3),
        names: &[
            "boto3",
            "botocore",
            "s3transfer",
            "jmespath",
            "python-dateutil",
            "six",
            "urllib3",
            "awslambdaric",
        ],
    },
    // Version 2 of the SDK up to Node.js 16, version 3 from 18 on.
    Has {
        platform: "aws-lambda",
        language: "nodejs",
        ecosystem: Ecosystem::Npm,
        versions: (0, 16),
        names: &["aws-sdk"],
    },
    Has {
        platform: "aws-lambda",
        language: "nodejs",
        ecosystem: Ecosystem::Npm,
        versions: (18, u32::MAX),
        names: &["@aws-sdk/", "@smithy/"],
    },
    Has {
        platform: "azure-functions",
        language: "python",
        ecosystem: Ecosystem::PyPi,
        versions: (3, 3),
        names: &["azure-functions"],
    },
];

/// What is in the deployment and in its runtime. Of an image nothing is: its runtime is in it.
pub fn provided(deployment: &Deployment, amounts: &[Amount]) -> Vec<Provided> {
    let Some(platform) = deployment.platform.filter(|_| !deployment.is_image()) else {
        return Vec::new();
    };
    let rows = RUNTIMES
        .iter()
        .filter(|has| platform.name.starts_with(has.platform));
    let mut found = Vec::new();
    for has in rows {
        let runtime = match deployment.runtime {
            Some(runtime) => {
                let is_it = runtime.language == has.language
                    && (has.versions.0..=has.versions.1).contains(&runtime.major);
                is_it.then(|| runtime.to_string())
            }
            // All runtimes of Python have it, but which of Node.js runs the function nobody says.
            None => (has.language == "python").then(|| has.language.to_owned()),
        };
        let Some(runtime) = runtime else { continue };
        for (index, component) in deployment.packages.iter().enumerate() {
            let amount = amounts.get(index).filter(|amount| amount.files > 0);
            if let (true, Some(amount)) = (has.has(component), amount) {
                found.push(Provided {
                    purl: component.purl.clone(),
                    amount: amount.clone(),
                    runtime: runtime.clone(),
                    component: index,
                });
            }
        }
    }
    drop_what_others_need(deployment, &mut found);
    found
}

/// Of what the SDK needs only that goes with it which nothing else in the deployment needs.
fn drop_what_others_need(deployment: &Deployment, found: &mut Vec<Provided>) {
    let is_sdk = |provided: &Provided| {
        let name = deployment.packages[provided.component].name.as_str();
        !NEEDED_BY_SDK.contains(&name)
    };
    let mut kept: HashSet<usize> = found.iter().map(|provided| provided.component).collect();
    loop {
        let before = kept.len();
        found.retain(|provided| {
            let component = provided.component;
            let keeps = is_sdk(provided) || deployment.tree.is_needed_by_alone(component, &kept);
            if !keeps {
                kept.remove(&component);
            }
            keeps
        });
        if kept.len() == before {
            return;
        }
    }
}

impl Has {
    fn has(&self, component: &Component) -> bool {
        let name = component.name.as_str();
        let is_it = |known: &&str| match known.strip_suffix('/') {
            Some(scope) => name
                .strip_prefix(scope)
                .is_some_and(|rest| rest.starts_with('/')),
            None => name == *known,
        };
        component.ecosystem == self.ecosystem && self.names.iter().any(is_it)
    }
}
