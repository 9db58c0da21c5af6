//! Which bundler put a script together, by what it writes into each.
//!
//! - esbuild wraps modules in `__commonJS({ "path"(exports, module) {`:
//!   <https://github.com/evanw/esbuild/blob/main/internal/runtime/runtime.go>. Bun has a function of that name too, but hands it
//!   a function.
//! - webpack's modules are given `__webpack_require__`:
//!   <https://github.com/webpack/webpack/blob/main/lib/RuntimeGlobals.js>.
//!
//! Both are gone where names were shortened.

use super::script::Reader;
use crate::inspect::{Entry, Observations, Unreadable};
use crate::size::Tool;

const ESBUILD: &str = "__commonJS({";
const WEBPACK: &str = "__webpack_require__";

pub(super) struct Esbuild;
pub(super) struct Webpack;

impl Reader for Esbuild {
    fn marks(&self) -> &'static [&'static str] {
        &[ESBUILD]
    }

    fn read(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        seen.bundlers.push((entry.path.clone(), Tool::Esbuild));
        Ok(())
    }
}

impl Reader for Webpack {
    fn marks(&self) -> &'static [&'static str] {
        &[WEBPACK]
    }

    fn read(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        seen.bundlers.push((entry.path.clone(), Tool::Webpack));
        Ok(())
    }
}
