//! What is said in several places is one package.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;

fn path(inner: &str) -> EntryPath {
    EntryPath::new(&Arc::from("fn.zip!/"), inner)
}

/// `name version|~range scope evidence location,location` of each component.
fn rows(observations: Observations) -> Vec<String> {
    let (components, errors) = resolve(observations);
    assert_eq!(errors, []);
    let row = |c: &Component| {
        let version = c
            .version
            .clone()
            .unwrap_or_else(|| format!("~{}", c.version_range.as_deref().unwrap_or("")));
        let scope = if c.scope == Scope::Shipped {
            "shipped"
        } else {
            "declared"
        };
        let locations: Vec<&str> = c.locations.iter().map(|l| l.path.inner()).collect();
        format!(
            "{} {version} {scope} {:?} {}",
            c.name,
            c.evidence,
            locations.join(",")
        )
    };
    components.iter().map(row).collect()
}

#[test]
fn an_installed_package_its_lock_row_and_its_declaration_are_one() {
    let mut seen = Observations::default();
    seen.declared(Ecosystem::Npm, "a", "^1.0.0", path("package.json"));
    seen.component(
        Ecosystem::Npm,
        "a",
        "1.2.0",
        Evidence::Locked,
        path("package-lock.json"),
    );
    seen.component(
        Ecosystem::Npm,
        "a",
        "1.2.0",
        Evidence::Installed,
        path("node_modules/a/package.json"),
    );
    seen.component(
        Ecosystem::Npm,
        "a",
        "0.9.0",
        Evidence::Installed,
        path("node_modules/b/node_modules/a/package.json"),
    );
    assert_eq!(
        rows(seen),
        [
            "a 0.9.0 shipped Installed node_modules/b/node_modules/a/package.json",
            "a 1.2.0 shipped Installed node_modules/a/package.json,package-lock.json,package.json",
        ]
    );
}

#[test]
fn a_tarball_is_not_seen_in_itself() {
    let mut seen = Observations::default();
    let tarball: Arc<str> = Arc::from("fn.zip!/a-1.0.0.tgz!/");
    let inside = |inner| Location::from(EntryPath::new(&tarball, inner));
    let manifest = inside("package/package.json");
    seen.component(Ecosystem::Npm, "a", "1.0.0", Evidence::Installed, manifest);
    for (name, evidence) in [
        ("a", Evidence::Fingerprint),
        ("a", Evidence::Embedded),
        ("b", Evidence::Fingerprint),
    ] {
        let script = inside("package/dist/x.js");
        seen.component(Ecosystem::Npm, name, "0.9.0", evidence, script);
    }
    let elsewhere = path("x.js");
    seen.component(
        Ecosystem::Npm,
        "a",
        "0.8.0",
        Evidence::Fingerprint,
        elsewhere,
    );
    let expected = [
        "a 0.8.0 shipped Fingerprint x.js",
        "a 1.0.0 shipped Installed package/package.json",
        "b 0.9.0 shipped Fingerprint package/dist/x.js",
    ];
    assert_eq!(rows(seen), expected);
}

#[test]
fn a_range_that_no_version_meets_stays_by_itself() {
    let mut seen = Observations::default();
    seen.component(
        Ecosystem::PyPi,
        "Foo_Bar",
        "1.0",
        Evidence::Installed,
        path("Foo_Bar-1.0.dist-info/METADATA"),
    );
    seen.declared(Ecosystem::PyPi, "foo.bar", ">=2", path("setup.cfg"));
    seen.declared(
        Ecosystem::PyPi,
        "foo-bar",
        ">=0.5,<2",
        path("pyproject.toml"),
    );
    assert_eq!(
        rows(seen),
        [
            "foo-bar 1.0 shipped Installed Foo_Bar-1.0.dist-info/METADATA,pyproject.toml",
            "foo-bar ~>=2 declared Declared setup.cfg",
        ]
    );
}

#[test]
fn versions_are_the_same_where_their_ecosystem_says_so() {
    let mut seen = Observations::default();
    seen.component(Ecosystem::PyPi, "a", "1.0", Evidence::Locked, path("x"));
    seen.component(
        Ecosystem::PyPi,
        "a",
        "1.0.0",
        Evidence::Installed,
        path("y"),
    );
    seen.component(
        Ecosystem::CratesIo,
        "a",
        "1.0.0+1",
        Evidence::Locked,
        path("x"),
    );
    seen.component(
        Ecosystem::CratesIo,
        "a",
        "1.0.0+2",
        Evidence::Locked,
        path("x"),
    );
    assert_eq!(
        rows(seen),
        [
            "a 1.0.0 shipped Installed y,x",
            "a 1.0.0+1 declared Locked x",
            "a 1.0.0+2 declared Locked x",
        ]
    );
}

#[test]
fn a_dist_info_folder_is_one_package_as_its_metadata_says() {
    let mut seen = Observations::default();
    for (file, version) in [
        ("WHEEL", "1.0"),
        ("METADATA", "1.0.post1"),
        ("RECORD", "1.0"),
    ] {
        let path = path(&format!("a-1.0.dist-info/{file}"));
        seen.component(Ecosystem::PyPi, "a", version, Evidence::Installed, path);
    }
    for file in ["RECORD", "INSTALLER"] {
        let path = path(&format!("b-2.dist-info/{file}"));
        seen.component(Ecosystem::PyPi, "b", "2", Evidence::Installed, path);
    }
    assert_eq!(
        rows(seen),
        [
            "a 1.0.post1 shipped Installed a-1.0.dist-info/METADATA",
            "b 2 shipped Installed b-2.dist-info/INSTALLER",
        ]
    );
}

#[test]
fn manifests_that_a_package_brought_along_are_not_the_artifacts() {
    let mut seen = Observations::default();
    let test_package = path("pkg/tests/t-1.egg-info/PKG-INFO");
    let script = path("pkg/node_modules/c/package.json");
    seen.component(
        Ecosystem::PyPi,
        "a",
        "1",
        Evidence::Locked,
        path("pkg/uv.lock"),
    );
    seen.component(
        Ecosystem::PyPi,
        "t",
        "1",
        Evidence::Installed,
        test_package.clone(),
    );
    seen.component(
        Ecosystem::Npm,
        "c",
        "1.0.0",
        Evidence::Installed,
        script.clone(),
    );
    seen.owned
        .extend([path("pkg/uv.lock"), test_package, script]);
    assert_eq!(
        rows(seen),
        ["c 1.0.0 shipped Installed pkg/node_modules/c/package.json"]
    );
}

#[test]
fn manifests_in_a_distributions_own_folder_are_its_own() {
    let mut seen = Observations::default();
    let metadata = path("lib/Jupyter_Lab-1.dist-info/METADATA");
    seen.component(
        Ecosystem::PyPi,
        "Jupyter-Lab",
        "1",
        Evidence::Installed,
        metadata,
    );
    seen.component(
        Ecosystem::Npm,
        "a",
        "1.0.0",
        Evidence::Locked,
        path("lib/jupyter_lab/staging/yarn.lock"),
    );
    seen.component(
        Ecosystem::Npm,
        "b",
        "1.0.0",
        Evidence::Locked,
        path("lib/ui/yarn.lock"),
    );
    seen.component(
        Ecosystem::Npm,
        "c",
        "1.0.0",
        Evidence::Locked,
        path("jupyter_lab/yarn.lock"),
    );
    assert_eq!(
        rows(seen),
        [
            "b 1.0.0 declared Locked lib/ui/yarn.lock",
            "c 1.0.0 declared Locked jupyter_lab/yarn.lock",
            "Jupyter-Lab 1 shipped Installed lib/Jupyter_Lab-1.dist-info/METADATA",
        ]
        .map(|row| row.replace("Jupyter-Lab 1", "jupyter-lab 1"))
    );
}

#[test]
fn optional_rows_count_where_they_are_installed_or_nothing_is() {
    let optional = |lock: &str, name: &str| {
        let mut seen = Observations::default();
        seen.component(Ecosystem::Npm, name, "1.0.0", Evidence::Locked, path(lock));
        seen.components
    };
    let mut seen = Observations::default();
    let installed = path("app/node_modules/a/package.json");
    seen.component(Ecosystem::Npm, "a", "1.0.0", Evidence::Installed, installed);
    for (lock, name) in [
        ("app/package-lock.json", "a"),
        ("app/package-lock.json", "not-for-this-platform"),
        ("app/node_modules/.package-lock.json", "nor-this"),
        ("other/package-lock.json", "b"),
    ] {
        seen.optional.extend(optional(lock, name));
    }
    assert_eq!(
        rows(seen),
        [
            "a 1.0.0 shipped Installed app/node_modules/a/package.json,app/package-lock.json",
            "b 1.0.0 declared Locked other/package-lock.json",
        ]
    );
}

/// A name that was seen in a bundle.
fn named(seen: &mut Observations, name: &str, folder: Option<&str>) {
    let bundle = path("index.js");
    seen.named(Ecosystem::Npm, name, folder, Evidence::Fingerprint, bundle);
}

/// A row of a package-lock.json.
fn locked(seen: &mut Observations, folder: &str, name: &str, version: &str) {
    let lock = path("package-lock.json");
    seen.component(Ecosystem::Npm, name, version, Evidence::Locked, lock);
    seen.components.last_mut().unwrap().folder = Some(folder.into());
}

#[test]
fn what_ships_takes_its_version_from_the_lock_file() {
    let mut seen = Observations::default();
    locked(&mut seen, "node_modules/a", "a", "1.2.0");
    locked(&mut seen, "node_modules/tool", "tool", "3.0.0");
    seen.declared(Ecosystem::Npm, "a", "^1.0.0", path("package.json"));
    named(&mut seen, "a", None);
    assert_eq!(
        rows(seen),
        [
            "a 1.2.0 shipped Fingerprint index.js,package-lock.json,package.json",
            "tool 3.0.0 declared Locked package-lock.json",
        ]
    );
}

#[test]
fn what_a_manifest_pins_is_a_version_too_but_a_lock_file_knows_better() {
    let mut seen = Observations::default();
    let manifest = path("package.json");
    for name in ["a", "b"] {
        seen.component(
            Ecosystem::Npm,
            name,
            "1.0.0",
            Evidence::Declared,
            manifest.clone(),
        );
        named(&mut seen, name, None);
    }
    locked(&mut seen, "node_modules/b", "b", "1.0.1");
    assert_eq!(
        rows(seen),
        [
            "a 1.0.0 shipped Fingerprint index.js,package.json",
            "b 1.0.0 declared Declared package.json",
            "b 1.0.1 shipped Fingerprint index.js,package-lock.json",
        ]
    );
}

#[test]
fn what_the_code_says_of_its_version_goes_before_the_lock_file() {
    let mut seen = Observations::default();
    locked(&mut seen, "node_modules/a", "a", "1.2.0");
    let bundle = path("index.js");
    seen.component(Ecosystem::Npm, "a", "1.1.0", Evidence::Embedded, bundle);
    named(&mut seen, "a", None);
    assert_eq!(
        rows(seen),
        [
            "a 1.1.0 shipped Embedded index.js",
            "a 1.2.0 declared Locked package-lock.json",
        ]
    );
}

#[test]
fn copies_of_a_package_are_told_apart_by_their_folders() {
    let mut seen = Observations::default();
    locked(&mut seen, "node_modules/a", "a", "2.0.0");
    locked(&mut seen, "node_modules/b/node_modules/a", "a", "1.0.0");
    locked(&mut seen, "node_modules/c/node_modules/a", "a", "3.0.0");
    locked(&mut seen, "node_modules/alias", "real", "4.0.0");
    named(&mut seen, "a", Some("../node_modules/a"));
    named(
        &mut seen,
        "a",
        Some("webpack:///./node_modules/b/node_modules/a"),
    );
    named(&mut seen, "alias", Some("node_modules/alias"));
    assert_eq!(
        rows(seen),
        [
            "a 1.0.0 shipped Fingerprint index.js,package-lock.json",
            "a 2.0.0 shipped Fingerprint index.js,package-lock.json",
            "a 3.0.0 declared Locked package-lock.json",
            "real 4.0.0 shipped Fingerprint index.js,package-lock.json",
        ]
    );
}

#[test]
fn where_several_versions_stay_possible_all_are_named() {
    for (folder, in_lock) in [
        (None, ["node_modules/a", "node_modules/b/node_modules/a"]),
        // Two projects have their lock files.
        (Some("node_modules/a"), ["node_modules/a", "node_modules/a"]),
    ] {
        let mut seen = Observations::default();
        locked(&mut seen, in_lock[0], "a", "10.0.0");
        locked(&mut seen, in_lock[1], "a", "2.0.0");
        named(&mut seen, "a", folder);
        assert_eq!(
            rows(seen),
            [
                "a 10.0.0 declared Locked package-lock.json",
                "a 2.0.0 declared Locked package-lock.json",
                "a ~2.0.0 || 10.0.0 shipped Fingerprint index.js",
            ]
        );
    }
}

#[test]
fn a_range_that_the_code_tells_leaves_one_of_the_versions() {
    let mut seen = Observations::default();
    locked(&mut seen, "node_modules/a", "a", "2.0.0");
    locked(&mut seen, "node_modules/b/node_modules/a", "a", "1.0.0");
    named(&mut seen, "a", None);
    named(&mut seen, "a", None);
    seen.components.last_mut().unwrap().version_range = Some("^1.0.0".to_owned());
    assert_eq!(
        rows(seen),
        [
            "a 1.0.0 shipped Fingerprint index.js,package-lock.json",
            "a 2.0.0 declared Locked package-lock.json",
        ]
    );
}

#[test]
fn without_a_lock_file_the_manifest_says_what_the_version_can_be() {
    let mut seen = Observations::default();
    for name in ["a", "b", "c"] {
        named(&mut seen, name, None);
    }
    seen.declared(Ecosystem::Npm, "a", "^1.2.0", path("package.json"));
    seen.declared(Ecosystem::Npm, "b", "^1.2.0", path("one/package.json"));
    seen.declared(Ecosystem::Npm, "b", "~2.0.0", path("two/package.json"));
    // What the code says of itself is about the code.
    seen.components[2].version_range = Some("^3.0.0".to_owned());
    seen.declared(Ecosystem::Npm, "c", "^1.2.0", path("package.json"));
    named(&mut seen, "c", None);
    assert_eq!(
        rows(seen),
        [
            "a ~^1.2.0 shipped Fingerprint index.js,package.json",
            "b ~^1.2.0 || ~2.0.0 shipped Fingerprint index.js,one/package.json,two/package.json",
            "c ~^3.0.0 shipped Fingerprint index.js",
            "c ~^1.2.0 declared Declared package.json",
        ]
    );
}

#[test]
fn what_the_project_asks_for_says_nothing_about_a_packages_own_copy() {
    let mut seen = Observations::default();
    seen.declared(Ecosystem::Npm, "a", "^1.2.0", path("package.json"));
    named(&mut seen, "a", Some("node_modules/b/node_modules/a"));
    assert_eq!(
        rows(seen),
        [
            "a ~ shipped Fingerprint index.js",
            "a ~^1.2.0 declared Declared package.json",
        ]
    );
}

#[test]
fn a_crate_known_by_its_name_in_code_is_the_one_of_the_lock_file() {
    let mut seen = Observations::default();
    let lock = path("Cargo.lock");
    seen.component(
        Ecosystem::CratesIo,
        "serde-json",
        "1.0.1",
        Evidence::Locked,
        lock.clone(),
    );
    for version in ["0.1.0", "0.2.0"] {
        seen.component(
            Ecosystem::CratesIo,
            "b",
            version,
            Evidence::Locked,
            lock.clone(),
        );
    }
    for name in ["serde_json", "b"] {
        seen.named(
            Ecosystem::CratesIo,
            name,
            None,
            Evidence::Fingerprint,
            path("bootstrap"),
        );
    }
    assert_eq!(
        rows(seen),
        [
            "b 0.1.0 declared Locked Cargo.lock",
            "b 0.2.0 declared Locked Cargo.lock",
            "b ~=0.1.0 || =0.2.0 shipped Fingerprint bootstrap",
            "serde-json 1.0.1 shipped Fingerprint bootstrap,Cargo.lock",
        ]
    );
}

#[test]
fn a_component_in_a_map_and_in_node_modules_is_one() {
    let mut seen = Observations::default();
    let map = path("index.js.map");
    seen.component(
        Ecosystem::Npm,
        "a",
        "1.0.0",
        Evidence::Embedded,
        map.clone(),
    );
    seen.named(Ecosystem::Npm, "b", None, Evidence::Embedded, map);
    for name in ["a", "b"] {
        let manifest = path(&format!("node_modules/{name}/package.json"));
        seen.component(Ecosystem::Npm, name, "1.0.0", Evidence::Installed, manifest);
    }
    assert_eq!(
        rows(seen),
        [
            "a 1.0.0 shipped Installed node_modules/a/package.json,index.js.map",
            "b 1.0.0 shipped Installed node_modules/b/package.json,index.js.map",
        ]
    );
}

proptest! {
    /// In whatever order files are read, and whatever they say, nothing that ships is lost.
    #[test]
    fn what_ships_ships_in_any_order(
        kinds in prop::collection::vec((0usize..5, 0usize..3, 0usize..3), 0..9),
        seed in any::<prop::sample::Index>(),
    ) {
        const VERSIONS: [&str; 3] = ["1.0.0", "1.5.0", "2.0.0"];
        const RANGES: [&str; 3] = ["^1.0.0", "^2.0.0", "latest"];
        const FOLDERS: [&str; 3] = ["node_modules/a", "node_modules/b/node_modules/a", "node_modules/c/node_modules/a"];
        let mut seen = Observations::default();
        for (kind, x, y) in kinds {
            let file = path(&format!("{kind}{x}{y}"));
            match kind {
                0 => locked(&mut seen, FOLDERS[x], "a", VERSIONS[y]),
                1 => named(&mut seen, "a", Some(FOLDERS[x])),
                2 => {
                    named(&mut seen, "a", None);
                    seen.components.last_mut().unwrap().version_range = Some(RANGES[x].to_owned());
                }
                3 => seen.declared(Ecosystem::Npm, "a", RANGES[x], file),
                _ => seen.component(Ecosystem::Npm, "a", VERSIONS[x], Evidence::Embedded, file),
            }
        }
        let ships = |row: &ObservedComponent| row.evidence.scope() == Scope::Shipped;
        let expected = seen.components.iter().any(ships);
        let mut turned = Observations { components: seen.components.clone(), ..Observations::default() };
        if !turned.components.is_empty() {
            let by = seed.index(turned.components.len());
            turned.components.rotate_left(by);
        }
        let found = rows(seen);
        prop_assert_eq!(found.iter().any(|row| row.contains(" shipped ")), expected);
        prop_assert_eq!(found, rows(turned));
    }
}
