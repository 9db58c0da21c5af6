//! Packages that are released together: where one is known to have a version, so have the others of its family in the
//! same bundle.
//!
//! A family is one whose members depend on one another by exact versions, their own. Those that have the same numbers
//! but take ranges (React since 18, Socket.IO) are none, for an installer may mix them; nor are those that only share
//! a major version (Babel).

use semver::Version;

use super::sighting::Sighting;

struct Family {
    members: &'static [&'static str],
    /// The first release that was looked at of which this holds.
    since: &'static str,
}

/// Of each, the dependencies of releases from the first on to that of 2024 or later were looked at in the registry.
const FAMILIES: &[Family] = &[
    Family {
        members: &[
            "@angular/common",
            "@angular/compiler",
            "@angular/core",
            "@angular/forms",
            "@angular/platform-browser",
            "@angular/router",
        ],
        since: "8.2.14",
    },
    Family {
        members: &[
            "@lexical/link",
            "@lexical/list",
            "@lexical/react",
            "@lexical/rich-text",
            "lexical",
        ],
        since: "0.5.0",
    },
    Family {
        members: &["@next/env", "next"],
        since: "10.0.0",
    },
    Family {
        members: &[
            "@opentelemetry/core",
            "@opentelemetry/resources",
            "@opentelemetry/sdk-trace-base",
        ],
        since: "1.0.0",
    },
    Family {
        members: &[
            "@sentry/core",
            "@sentry/hub",
            "@sentry/node",
            "@sentry/types",
            "@sentry/utils",
        ],
        since: "4.0.0",
    },
    Family {
        members: &[
            "@vue/compiler-core",
            "@vue/compiler-dom",
            "@vue/compiler-sfc",
            "@vue/reactivity",
            "@vue/runtime-core",
            "@vue/runtime-dom",
            "@vue/server-renderer",
            "@vue/shared",
            "vue",
        ],
        since: "3.0.0",
    },
];

/// Gives those of a bundle whose version is not known that of their family, if the bundle states just one.
pub(super) fn complete(sightings: &mut [Sighting]) {
    for family in FAMILIES {
        let is_member = |s: &Sighting| family.members.contains(&s.name.as_str());
        let mut stated: Vec<&str> = sightings
            .iter()
            .filter(|s| is_member(s))
            .filter_map(|s| s.version.as_deref())
            .collect();
        stated.sort_unstable();
        stated.dedup();
        if let [version] = stated[..]
            && family.holds(version)
        {
            let version = version.to_owned();
            let unknown = sightings.iter_mut().filter(|s| s.version.is_none());
            for sighting in unknown.filter(|s| family.members.contains(&s.name.as_str())) {
                sighting.range = Some(format!("={version}"));
            }
        }
    }
}

impl Family {
    fn holds(&self, version: &str) -> bool {
        match (Version::parse(version), Version::parse(self.since)) {
            (Ok(version), Ok(since)) => version >= since,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The ranges that the packages `name` or `name version` take.
    fn ranges(rows: &[&str]) -> Vec<String> {
        let sighting = |row: &&str| {
            let (name, version) = row.split_once(' ').unzip();
            Sighting {
                offset: 0,
                name: name.unwrap_or(row).to_owned(),
                version: version.map(str::to_owned),
                folder: None,
                range: None,
            }
        };
        let mut sightings: Vec<Sighting> = rows.iter().map(sighting).collect();
        complete(&mut sightings);
        sightings
            .into_iter()
            .map(|s| s.range.unwrap_or_default())
            .collect()
    }

    #[test]
    fn a_member_takes_the_version_of_its_family() {
        assert_eq!(
            ranges(&["vue 3.2.1", "@vue/shared", "other"]),
            ["", "=3.2.1", ""]
        );
        assert_eq!(
            ranges(&["@sentry/core", "@sentry/node 7.0.0", "@sentry/types 7.0.0"]),
            ["=7.0.0", "", ""]
        );
    }

    #[test]
    fn two_versions_or_one_from_before_tell_nothing() {
        for rows in [
            ["vue 2.7.0", "@vue/compiler-sfc", "x"],
            ["vue 3.2.1", "@vue/shared 3.2.2", "@vue/reactivity"],
            ["vue", "@vue/shared", "lexical 0.5.0"],
        ] {
            assert_eq!(ranges(&rows), ["", "", ""], "{rows:?}");
        }
    }

    #[test]
    fn a_package_is_in_one_family() {
        let mut members = BTreeSet::new();
        for family in FAMILIES {
            assert!(Version::parse(family.since).is_ok());
            assert!(family.members.len() > 1);
            assert!(family.members.iter().all(|member| members.insert(*member)));
        }
    }
}
