//! Audits what a serverless function really ships.

pub mod advisory;
pub mod component;
pub mod finding;
pub mod inspect;
pub mod inventory;
pub mod version;
