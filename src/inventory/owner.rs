//! Whose a manifest or lock file is.

use super::{maven, npm, pypi};
use crate::finding::EntryPath;

/// Whether a manifest or lock file speaks for the artifact, and not for a package of any ecosystem that the
/// artifact carries: npm packages bring along Cargo.lock, and wheels package.json.
pub fn is_owners(path: &EntryPath) -> bool {
    !npm::is_inside_package(path) && pypi::is_owners(path) && !maven::is_inside_library(path)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_package_of_one_ecosystem_may_carry_manifests_of_another() {
        for (container, inner, owners) in [
            ("fn.zip!/", "src/Cargo.lock", true),
            ("fn.zip!/", "node_modules/a/Cargo.lock", false),
            ("fn.zip!/", "python/site-packages/a/package.json", false),
            ("fn.zip!/a-1.0.0.tgz!/", "package/requirements.txt", false),
            ("fn.zip!/a-1.0.tar.gz!/", "a-1.0/js/yarn.lock", false),
            ("fn.zip!/a-1.0-py3-none-any.whl!/", "a/Cargo.lock", false),
            ("fn.zip!/lib/a-1.0.jar!/", "webjars/a/package.json", false),
            ("fn.zip!/app.jar!/", "BOOT-INF/classes/package.json", true),
            ("app.jar!/", "package.json", true),
            // The artifact itself may well have a source distribution's form.
            ("app-1.0.tar.gz!/", "app-1.0/package-lock.json", true),
        ] {
            let path = EntryPath::new(&Arc::from(container), inner);
            assert_eq!(is_owners(&path), owners, "{container}{inner}");
        }
    }
}
