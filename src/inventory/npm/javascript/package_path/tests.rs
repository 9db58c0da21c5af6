use proptest::prelude::*;

use super::*;

/// `name version folder`, with `-` for what is not known.
fn found(path: &str) -> String {
    match package_of(path) {
        None => "none".to_owned(),
        Some(found) => {
            let version = found.version.as_deref().unwrap_or("-");
            format!("{} {version} {}", found.name, found.folder)
        }
    }
}

#[test]
fn the_innermost_node_modules_counts() {
    for (path, expected) in [
        ("node_modules/a/index.js", "a - node_modules/a"),
        (
            "../node_modules/@s/a/lib/x.js",
            "@s/a - ../node_modules/@s/a",
        ),
        (
            "/var/task/node_modules/JSONStream/index.js",
            "JSONStream - /var/task/node_modules/JSONStream",
        ),
        (
            "node_modules/a/node_modules/@s/b/x.js",
            "@s/b - node_modules/a/node_modules/@s/b",
        ),
        (
            "C:\\me\\node_modules\\@s\\a\\x.js",
            "@s/a - C:/me/node_modules/@s/a",
        ),
        (
            "file:///me/node_modules/%40s/a/x.js",
            "@s/a - file:///me/node_modules/@s/a",
        ),
        ("node_modules/%40s%2Fa/x.js", "@s/a - node_modules/@s/a"),
        (
            "node_modules/config-file-loader/node_modules/config/x.js",
            "config - node_modules/config-file-loader/node_modules/config",
        ),
        (
            "meteor://app/npm/node_modules/a/x.js",
            "a - meteor://app/npm/node_modules/a",
        ),
    ] {
        assert_eq!(found(path), expected, "{path}");
    }
}

#[test]
fn bundlers_write_something_around_the_path() {
    for (path, expected) in [
        (
            "webpack:///./node_modules/a/index.js?1a2b",
            "a - webpack:///./node_modules/a",
        ),
        (
            "webpack://my-app/./node_modules/@s/a/x.js",
            "@s/a - webpack://my-app/./node_modules/@s/a",
        ),
        (
            "webpack-internal:///(rsc)/./node_modules/a/x.js",
            "a - webpack-internal:///(rsc)/./node_modules/a",
        ),
        (
            "turbopack:///[project]/node_modules/a/x.js",
            "a - turbopack:///[project]/node_modules/a",
        ),
        (
            "-!./node_modules/l/index.js??ref--1!./node_modules/a/x.css?y",
            "a - ./node_modules/a",
        ),
        ("css ./node_modules/a/x.css", "a - css ./node_modules/a"),
        (
            "\0commonjs-proxy:/me/node_modules/a/x.js",
            "a - \0commonjs-proxy:/me/node_modules/a",
        ),
        (
            "\0/me/node_modules/a/x.js?commonjs-exports",
            "a - \0/me/node_modules/a",
        ),
        (
            "webpack:///./~/a/~/@s/b/x.js",
            "@s/b - webpack:///./~/a/~/@s/b",
        ),
        ("../~/a/x.js", "a - ../~/a"),
    ] {
        assert_eq!(found(path), expected, "{path}");
    }
}

#[test]
fn stores_state_the_version() {
    let yarn = ".yarn/cache/a-npm-1.2.3-0123456789-10c0.zip/node_modules/a";
    let scoped = ".yarn/unplugged/@s-a-npm-1.2.3-rc.1-0123456789/node_modules/@s/a";
    let linked = format!(
        "node_modules/.store/a@1.2.3-{}==/node_modules/a",
        "a-_b".repeat(6).split_at(22).0
    );
    let yarn_1 = format!(
        "v6/npm-@s-a-1.2.3-{}-integrity/node_modules/@s/a",
        "0".repeat(40)
    );
    let shared = format!("links/@s/a/1.2.3/{}/node_modules/@s/a", "0".repeat(64));
    for (folder, name, version) in [
        ("node_modules/.pnpm/a@1.2.3/node_modules/a", "a", "1.2.3"),
        (
            "node_modules/.pnpm/@s+a@1.2.3_b@4.0.0/node_modules/@s/a",
            "@s/a",
            "1.2.3",
        ),
        (
            "node_modules/.pnpm/a@1.2.3-rc.1(b@4.0.0)(@s+c@1.0.0)/node_modules/a",
            "a",
            "1.2.3-rc.1",
        ),
        ("node_modules/.deno/a@1.2.3_1/node_modules/a", "a", "1.2.3"),
        (
            "node_modules/.bun/@s+a@1.2.3+0123456789abcdef/node_modules/@s/a",
            "@s/a",
            "1.2.3",
        ),
        (
            "node_modules/.pnpm/registry.example/@s/a/1.2.3_b@4.0.0/node_modules/@s/a",
            "@s/a",
            "1.2.3",
        ),
        (&shared, "@s/a", "1.2.3"),
        (&linked, "a", "1.2.3"),
        (yarn, "a", "1.2.3"),
        (scoped, "@s/a", "1.2.3-rc.1"),
        (
            ".yarn/__virtual__/a-virtual-01/0/cache/a-npm-1.2.3-0123456789-8.zip/node_modules/a",
            "a",
            "1.2.3",
        ),
        (
            ".yarn/cache/a-npm-1.2.3-0123456789.zip/node_modules/a",
            "a",
            "1.2.3",
        ),
        ("node_modules/.store/a-npm-1.2.3-0123456789", "a", "1.2.3"),
        (&yarn_1, "@s/a", "1.2.3"),
        ("node_modules/_a@1.2.3@a", "a", "1.2.3"),
        ("node_modules/_@s_a@1.2.3@@s/a", "@s/a", "1.2.3"),
    ] {
        let file = if folder.contains(".store/a-npm") {
            "package/x.js"
        } else {
            "lib/x.js"
        };
        let expected = format!("{name} {version} {folder}");
        assert_eq!(
            found(&format!("webpack:///./{folder}/{file}")),
            expected.replace(folder, &format!("webpack:///./{folder}"))
        );
    }
}

#[test]
fn a_store_that_states_another_packages_version_states_none() {
    let cut = format!(
        "node_modules/.pnpm/{}@1.2.1_{}/node_modules/{}",
        "a".repeat(27),
        "b".repeat(26),
        "a".repeat(27)
    );
    for folder in [
        "node_modules/.pnpm/b@1.2.3/node_modules/a",
        "node_modules/.pnpm/@s+a@1.2.3/node_modules/a",
        "node_modules/.pnpm/a@1.2/node_modules/a",
        ".yarn/cache/a-patch-0123456789-8.zip/node_modules/a",
        ".yarn/cache/ba-npm-1.2.3-0123456789-8.zip/node_modules/a",
        "node_modules/b/1.2.3/node_modules/a",
        &cut,
    ] {
        let name = folder.rsplit('/').next().unwrap();
        assert_eq!(
            found(&format!("{folder}/x.js")),
            format!("{name} - {folder}")
        );
    }
}

#[test]
fn packages_stand_with_their_version_outside_of_node_modules() {
    for (path, expected) in [
        (
            "https://unpkg.com/a@1.2.3/x.js",
            "a 1.2.3 https://unpkg.com/a@1.2.3",
        ),
        (
            "https://cdn.jsdelivr.net/npm/@s/a@1.2.3/+esm",
            "@s/a 1.2.3 https://cdn.jsdelivr.net/npm/@s/a@1.2.3",
        ),
        (
            "https://esm.sh/v135/a@1.2.3/es2022/a.mjs",
            "a 1.2.3 https://esm.sh/v135/a@1.2.3",
        ),
        (
            "https://esm.sh/*a@1.2.3&dev",
            "a 1.2.3 https://esm.sh/*a@1.2.3",
        ),
        (
            "https://ga.jspm.io/npm:@s/a@1.2.3/x.js",
            "@s/a 1.2.3 https://ga.jspm.io/npm:@s/a@1.2.3",
        ),
        (
            "https://cdn.skypack.dev/-/a@v1.2.3-Ab0Cd/dist=es2020/a.js",
            "a 1.2.3 https://cdn.skypack.dev/-/a@v1.2.3-Ab0Cd",
        ),
        (
            "http-url:https://esm.sh/a@^1/x.js",
            "a - http-url:https://esm.sh/a@^1",
        ),
        (
            "https://unpkg.com/a@1.2/x.js",
            "a - https://unpkg.com/a@1.2",
        ),
        ("npm:a@1.2.3", "a 1.2.3 npm:a@1.2.3"),
        ("npm:/@s/a@1.2.3/x", "@s/a 1.2.3 npm:/@s/a@1.2.3"),
        (
            "jspm_packages/npm/a@1.2.3/x.js",
            "a 1.2.3 jspm_packages/npm/a@1.2.3",
        ),
        (
            "/me/.bun/install/cache/@s/a@1.2.3@@@1/x.js",
            "@s/a 1.2.3 /me/.bun/install/cache/@s/a@1.2.3",
        ),
        (
            "cache/a@1.2.3@@registry.example@@@1/x.js",
            "a 1.2.3 cache/a@1.2.3@@registry.example",
        ),
        (
            "/deno/npm/registry.example/@s/a/1.2.3/x.js",
            "@s/a 1.2.3 /deno/npm/registry.example/@s/a/1.2.3",
        ),
    ] {
        assert_eq!(found(path), expected, "{path}");
    }
}

#[test]
fn only_the_manifest_of_the_package_itself_is_its_manifest() {
    for (path, is_manifest) in [
        ("webpack:///./node_modules/@s/a/package.json?1a2b", true),
        (
            "node_modules/.store/a-npm-1.2.3-0123456789/package/package.json",
            true,
        ),
        ("C:\\node_modules\\a\\package.json", true),
        ("https://unpkg.com/a@1.2.3/package.json", true),
        ("node_modules/a/dist/a/package.json", false),
        ("node_modules/a/package.json.js", false),
        ("node_modules/a/index.js", false),
    ] {
        assert_eq!(
            package_of(path).map(|found| found.is_manifest),
            Some(is_manifest),
            "{path}"
        );
    }
}

#[test]
fn own_code_and_what_is_not_in_the_bundle_is_no_package() {
    for path in [
        "",
        "src/index.ts",
        "webpack:///./src/App.vue?./node_modules/a/x.js",
        "./node_modules/l/index.js!./src/App.vue",
        "webpack:///webpack/bootstrap",
        "webpack://app/external commonjs \"../node_modules/a/x.js\"",
        "webpack:///./node_modules/a/fs.js (ignored)",
        "ignored|/me/node_modules/a|fs",
        "my_node_modules/a/x.js",
        "node_modules/a",
        "node_modules/a/",
        "node_modules/a.js",
        "node_modules/.pnpm/@s+a@file+libs+a/node_modules/@s/a/x.js",
        ".yarn/cache/a-file-0123456789-8.zip/node_modules/a/x.js",
        ".yarn/unplugged/@s-a-file-0123456789/node_modules/@s/a/x.js",
        "node_modules/@s/a",
        "node_modules/.vite/deps/a.js",
        "node_modules/node_modules/x.js",
        "node_modules/\u{e9}/x.js",
        "~/components/x.js",
        "/home/~/a/x.js",
        "https://unpkg.com/a/x.js",
        "https://esm.sh/gh/me/a@1.2.3/x.js",
        "https://cdn.jsdelivr.net/gh/me/a@1.2.3/x.js",
        "https://site.example/a@1.2.3/x.js",
        "npm/a/b/1.2.3/x.js",
    ] {
        assert_eq!(found(path), "none", "{path}");
    }
}

#[test]
fn long_paths_cost_no_more_than_their_length() {
    assert_eq!(found(&"node_modules/a/".repeat(10_000)), "none");
    assert_eq!(found(&"a/".repeat(1 << 20)), "none");
    assert_eq!(
        found(&format!("{}node_modules/a/x.js", "l!".repeat(1 << 20))),
        "a - node_modules/a"
    );
}

/// Pieces of which paths are made, in any order.
fn path() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "\\PC{0,4}",
        proptest::sample::select(vec![
            "node_modules/",
            "/",
            "@",
            "@s/",
            "a",
            "a@1.2.3",
            ".pnpm/",
            "_",
            "+",
            "-npm-",
            "1.2.3",
            "-0123456789",
            ".zip",
            "%40",
            "%2F",
            "%",
            "\\",
            "!",
            "?",
            "~/",
            "./",
            "webpack:///",
            "\0",
            "https://unpkg.com/",
            "npm:",
            "@@@1",
            ".store/",
            "package/",
            "npm/",
            "==",
            "\u{e9}",
            "https://cdn.skypack.dev/-/",
            "npm-",
        ])
        .prop_map(str::to_owned),
    ];
    proptest::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn what_is_found_is_a_valid_name_and_version(path in path()) {
        if let Some(found) = package_of(&path) {
            prop_assert!(is_name(&found.name), "{found:?}");
            prop_assert!(found.name.bytes().all(|b| b.is_ascii_graphic()), "{found:?}");
            prop_assert!(found.name.len() <= MAX_NAME);
            prop_assert_eq!(found.name.matches('/').count(), usize::from(found.name.starts_with('@')));
            prop_assert!(found.version.is_none_or(|v| semver::Version::parse(&v).is_ok()));
            prop_assert!(normalized(resource(&path).unwrap()).starts_with(&found.folder));
        }
    }

    #[test]
    fn a_file_in_a_package_is_found_behind_any_folder(before in "[a-z/.]{0,20}", name in "[a-z][a-z0-9._-]{0,10}") {
        let found = package_of(&format!("{before}/node_modules/{name}/x.js"));
        prop_assume!(name != "node_modules" && name != "favicon.ico");
        prop_assert_eq!(found.map(|found| found.name), Some(name));
    }
}
