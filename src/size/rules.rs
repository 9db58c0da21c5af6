//! The rules of this room. A severity stands where a finding has none of its own.

use crate::finding::{Kind, Rule, Severity};

pub static LIMIT: Rule = Rule {
    id: "FA-SIZE-LIMIT",
    kind: Kind::Size,
    severity: Severity::High,
    title: "Over the platform's limit",
    remedy: "leave out what the plan of `fnaudit size` lists",
    sas: "SAS-8",
};
pub static NEAR_LIMIT: Rule = Rule {
    id: "FA-SIZE-NEAR-LIMIT",
    kind: Kind::Size,
    severity: Severity::Medium,
    title: "Near the platform's limit",
    remedy: "leave out what the plan of `fnaudit size` lists",
    sas: "SAS-8",
};
pub static BUDGET: Rule = Rule {
    id: "FA-SIZE-BUDGET",
    kind: Kind::Size,
    severity: Severity::High,
    title: "Over the budget",
    remedy: "leave out what the plan of `fnaudit size` lists, or raise the budget in fnaudit.toml",
    sas: "SAS-8",
};
pub static GROWTH: Rule = Rule {
    id: "FA-SIZE-GROWTH",
    kind: Kind::Size,
    severity: Severity::High,
    title: "Grown by more than is allowed",
    remedy: "find out what brought it, or compare with a newer report",
    sas: "SAS-8",
};
pub static NATIVE_ARCHITECTURE: Rule = Rule {
    id: "FA-NATIVE-ARCHITECTURE",
    kind: Kind::Size,
    severity: Severity::High,
    title: "Native code for another machine",
    remedy: "install it for the system and architecture that the function runs on, in a container if need be",
    sas: "SAS-3",
};
pub static NATIVE_GLIBC: Rule = Rule {
    id: "FA-NATIVE-GLIBC",
    kind: Kind::Size,
    severity: Severity::High,
    title: "Native code for a newer C library",
    remedy: "build it on the system that the function runs on, or link it statically",
    sas: "SAS-3",
};
