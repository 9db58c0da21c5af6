//! Scripts with a zip behind them, as Python's zipapps are, wherever they lie; and artifacts that only look so.

mod support;

use support::{Workplace, errors, findings, metadata, packages, tar, zip};

const METADATA: &str = "site-packages/inner-1.0.dist-info/METADATA";
const ROW: &str = "PyPI inner 1.0 shipped installed";

/// A zip behind the line that names its interpreter, and so many bytes more of script.
fn zipapp(more: usize) -> Vec<u8> {
    let mut bytes = b"#!/usr/bin/env python3\n".to_vec();
    bytes.extend(b"# padding\n".repeat(more / 10));
    bytes.extend(zip(&[(METADATA, &metadata("inner", "1.0"))]));
    bytes
}

#[test]
fn a_zip_behind_a_script_is_opened_in_every_container() {
    // The second is larger than what is unpacked of an entry at first.
    for more in [0, 200_000] {
        let place = Workplace::new();
        let app = zipapp(more);
        place.zip("fn.zip", &[("bin/app", &app)]);
        place.file("fn.tar", tar(&[("bin/app", &app)]));
        place.file("fn/bin/app", &app);
        for name in ["fn.zip", "fn.tar", "fn"] {
            let report = place.report(name);
            assert_eq!(packages(&report), [ROW], "{name}");
            assert_eq!(errors(&report), [] as [&str; 0], "{name}");
            let path = &report["packages"][0]["locations"][0]["path"];
            let path = path.as_str().unwrap();
            assert!(path.ends_with(&format!("bin/app!/{METADATA}")), "{path}");
        }
    }
}

#[test]
fn a_zipapp_in_a_zipapp_is_opened_as_deep_as_archives_are() {
    let place = Workplace::new();
    let mut app = zipapp(0);
    for _ in 0..3 {
        let outer = zip(&[("app", &app)]);
        app = [b"#!/usr/bin/python\n".as_slice(), &outer].concat();
    }
    place.zip("fn.zip", &[("app", &app)]);
    assert_eq!(packages(&place.report("fn.zip")), [ROW]);
    let run = place.run(&["fn.zip", "--format", "json", "-q", "--max-depth", "2"]);
    let report = run.json();
    assert!(packages(&report).is_empty());
    assert!(
        errors(&report)[0].contains("archives deep"),
        "{:?}",
        errors(&report)
    );
}

#[test]
fn what_a_script_says_before_its_zip_is_searched_for_secrets() {
    let place = Workplace::new();
    let key = format!("AKIA{}", "Q3EGZ5NTWO7XKLMD");
    let script = format!("#!/bin/sh\nAWS_ACCESS_KEY_ID={key}\nexit\n");
    let honest = zip(&[(METADATA, &metadata("inner", "1.0"))]);
    place.zip("fn.zip", &[("app", &[script.as_bytes(), &honest].concat())]);
    let report = place.report("fn.zip");
    assert_eq!(packages(&report), [ROW]);
    assert_eq!(findings(&report).len(), 1, "{:?}", findings(&report));
    // A directory that lies is no reason not to look.
    let lying = [script.as_bytes(), b"PK\x05\x06", &[0xff; 18]].concat();
    let empty = [script.as_bytes(), b"PK\x05\x06", &[0; 18]].concat();
    for bytes in [lying, empty] {
        place.zip("liar.zip", &[("app", &bytes)]);
        place.file("liar.tar", tar(&[("app", &bytes)]));
        for name in ["liar.zip", "liar.tar"] {
            let report = place.report(name);
            assert_eq!(findings(&report).len(), 1, "{:?}", findings(&report));
        }
    }
}

#[test]
fn a_script_without_a_zip_is_a_script() {
    let place = Workplace::new();
    let long = [b"#!/bin/sh\n".to_vec(), b"echo PK\n".repeat(20_000)].concat();
    place.zip("fn.zip", &[("a", b"#!/bin/sh\n"), ("b", &long)]);
    let report = place.report("fn.zip");
    assert_eq!(errors(&report), [] as [&str; 0]);
    assert!(packages(&report).is_empty());
}

#[test]
fn a_script_that_cannot_be_held_is_an_error_where_a_zip_is_behind_it() {
    let place = Workplace::new();
    let script = [b"#!/bin/sh\n".to_vec(), b"echo PK\n".repeat(400_000)].concat();
    // The zip does not end where the file does.
    let app = [&zipapp(3_000_000), [b' '; 1000].as_slice()].concat();
    let long = zipapp(3_000_000);
    for (bytes, expected) in [(&script, 0), (&long, 1), (&app, 1)] {
        place.zip("fn.zip", &[("bin/app", bytes)]);
        place.file("fn.tar", tar(&[("bin/app", bytes)]));
        place.file("fn/bin/app", bytes);
        for name in ["fn.zip", "fn.tar", "fn"] {
            let run = place.run(&[name, "--format", "json", "-q", "--max-memory", "4MiB"]);
            let report = run.json();
            let errors = errors(&report);
            assert_eq!(errors.len(), expected, "{name}: {errors:?}");
            assert!(
                errors.iter().all(|error| error.contains("a zip behind")),
                "{errors:?}"
            );
        }
    }
}

#[test]
fn a_version_without_end_and_a_list_without_end_are_said_or_harmless() {
    let place = Workplace::new();
    let long = format!("__version__ = '{}'\n", "1".repeat(9 << 20));
    let list = "a==1.0\n".repeat(1_000_000);
    place.zip(
        "fn.zip",
        &[
            ("x/_vendor/six.py", long.as_bytes()),
            ("x/_vendor/vendor.txt", list.as_bytes()),
            ("inner-1.0.dist-info/METADATA", &metadata("inner", "1.0")),
        ],
    );
    let report = place.report("fn.zip");
    assert_eq!(packages(&report), [ROW]);
    let errors = errors(&report);
    assert_eq!(errors.len(), 2, "{errors:?}");
}

#[test]
fn packages_are_found_in_the_layouts_of_every_platform() {
    let metadata = metadata("inner", "1.0");
    for folder in [
        ".python_packages/lib/site-packages",
        "python",
        "python/lib/python3.12/site-packages",
        "opt/python",
        "opt/python/lib/python3.12/site-packages",
        "lib",
        ".deps/inner-1.0-py3-none-any.whl",
    ] {
        let place = Workplace::new();
        let path = format!("{folder}/inner-1.0.dist-info/METADATA");
        // What a package brings along for its developers is not what the function asks for.
        let foreign = format!("{folder}/inner/requirements.txt");
        place.zip("fn.zip", &[(&path, &metadata), (&foreign, b"other==1.0\n")]);
        assert_eq!(packages(&place.report("fn.zip")), [ROW], "{folder}");
    }
}
