//! npm: manifests, lock files and installed packages.

mod bun_lock;
mod installed_package;
mod javascript;
pub(crate) mod layout;
mod lock_keys;
mod lock_places;
mod lock_requests;
mod locked_origin;
mod npmrc;
mod package_json;
mod package_lock;
mod pnpm_lock;
pub(crate) mod specifier;
mod yarn_lock;

pub(crate) use layout::is_inside_package;

pub use bun_lock::BunLock;
pub use installed_package::InstalledPackage;
pub use javascript::{LegalFile, LicenseList, Script, SourceMap};
pub use package_json::PackageJson;
pub use package_lock::PackageLock;
pub use pnpm_lock::PnpmLock;
pub use yarn_lock::YarnLock;

use crate::inspect::Inspector;

/// Those that read a lock file.
pub const LOCKS: &[&dyn Inspector] = &[&PackageLock, &YarnLock, &PnpmLock, &BunLock];

pub const INSPECTORS: &[&dyn Inspector] = &[
    &InstalledPackage,
    &PackageJson,
    &PackageLock,
    &YarnLock,
    &PnpmLock,
    &BunLock,
    &npmrc::Npmrc,
    &Script,
    &SourceMap,
    &LegalFile,
    &LicenseList,
];
