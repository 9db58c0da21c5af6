//! Where packages come from, and whether they are what they pretend to be. See docs/supply-chain.md.

mod edit;
pub mod origin;
pub mod origins;
mod popular;
pub mod typosquat;
