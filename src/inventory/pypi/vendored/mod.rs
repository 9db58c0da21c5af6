//! Python packages without metadata: vendored in another package, copied into a function, or stripped of their
//! `.dist-info` to save space.
//!
//! `modules/*.toml` says for each distribution which of its files tell it: where its version is assigned, and names that
//! are in its code alone. docs/python.md says how to write a row. A path is not enough to know one by: a function's own
//! packages may have any name, and folders of vendored ones may hold what is left of one. Beside its own metadata a
//! package is not looked for.

pub(super) mod assignment;
mod code;
mod holder;
// The program holds the table that the build script makes; the tests read the rows.
#[cfg(test)]
#[allow(dead_code)]
mod module_spec;
mod place;
mod pyc;
mod resolve;
mod table;
mod traces;
pub(super) mod value;
mod vendor_txt;

pub(super) use code::CopiedModule;
pub use holder::name_holders;
pub use resolve::add_copies;
pub(super) use table::is_of_a_known_module;
pub use traces::Traces;
pub(super) use vendor_txt::VendorTxt;
