//! npm: manifests, lock files and installed packages.

mod bun_lock;
mod installed_package;
mod javascript;
mod layout;
mod package_json;
mod package_lock;
mod pnpm_lock;
mod specifier;
mod yarn_lock;

pub(super) use layout::is_inside_package;

pub use bun_lock::BunLock;
pub use installed_package::InstalledPackage;
pub use javascript::ModulePaths;
pub use package_json::PackageJson;
pub use package_lock::PackageLock;
pub use pnpm_lock::PnpmLock;
pub use yarn_lock::YarnLock;

use crate::inspect::Inspector;

pub const INSPECTORS: &[&dyn Inspector] = &[
    &InstalledPackage,
    &PackageJson,
    &PackageLock,
    &YarnLock,
    &PnpmLock,
    &BunLock,
    &ModulePaths,
];
