//! NuGet: the packages of published .NET programs.

mod deps_json;

use crate::inspect::Inspector;

pub const INSPECTORS: &[&dyn Inspector] = &[&deps_json::DepsJson];
