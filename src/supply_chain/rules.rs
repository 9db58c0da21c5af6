//! The rules of this room. A severity stands where a finding has none of its own.

use crate::finding::{Kind, Rule, Severity};

pub static CHANGED: Rule = Rule {
    id: "FA-INTEGRITY-CHANGED",
    kind: Kind::SupplyChain,
    severity: Severity::High,
    title: "Installed files are not what their author published",
    remedy: "compare them with the published wheel, and install the package anew if nobody can say why they differ",
    sas: "SAS-6",
};
pub static LINE_ENDS: Rule = Rule {
    id: "FA-INTEGRITY-LINE-ENDS",
    kind: Kind::SupplyChain,
    severity: Severity::Info,
    title: "Installed files differ from what their author published in the ends of their lines alone",
    remedy: "install the package when the function is built, or keep Git from turning line ends (`-text` in .gitattributes)",
    sas: "SAS-6",
};
pub static MISSING: Rule = Rule {
    id: "FA-INTEGRITY-MISSING",
    kind: Kind::SupplyChain,
    severity: Severity::Low,
    title: "Code of an installed package is missing",
    remedy: "install the package anew, unless the build leaves this out on purpose",
    sas: "SAS-6",
};
pub static UNRECORDED: Rule = Rule {
    id: "FA-INTEGRITY-UNRECORDED",
    kind: Kind::SupplyChain,
    severity: Severity::Medium,
    title: "Files in a package's folder that no package brought",
    remedy: "find out who put them there; remove them, or keep code of your own in a folder of its own",
    sas: "SAS-6",
};
pub static PACKAGE_NAME: Rule = Rule {
    id: "FA-INTEGRITY-NAME",
    kind: Kind::SupplyChain,
    severity: Severity::Medium,
    title: "Package is installed under another's name",
    remedy: "install the package anew; if the name is an alias, ship the package.json or lock file that declares it",
    sas: "SAS-6",
};
pub static PTH: Rule = Rule {
    id: "FA-HOOK-PTH",
    kind: Kind::SupplyChain,
    severity: Severity::High,
    title: "Code runs whenever Python starts",
    remedy: "remove the .pth file, or import what it does where the function needs it",
    sas: "SAS-6",
};
pub static CUSTOMIZE: Rule = Rule {
    id: "FA-HOOK-CUSTOMIZE",
    kind: Kind::SupplyChain,
    severity: Severity::High,
    title: "Module runs whenever Python starts",
    remedy: "remove it, or import what it does where the function needs it",
    sas: "SAS-6",
};
pub static ENVIRONMENT: Rule = Rule {
    id: "FA-HOOK-ENVIRONMENT",
    kind: Kind::SupplyChain,
    severity: Severity::Medium,
    title: "Variable makes every process load code",
    remedy: "make sure that what it names is yours, or do without it",
    sas: "SAS-6",
};
pub static EXTENSION: Rule = Rule {
    id: "FA-HOOK-EXTENSION",
    kind: Kind::SupplyChain,
    severity: Severity::Info,
    title: "Extension runs beside the function",
    remedy: "make sure that it is meant to be there: it sees what the function sees",
    sas: "SAS-6",
};
pub static INSTALL_SCRIPT: Rule = Rule {
    id: "FA-HOOK-INSTALL",
    kind: Kind::SupplyChain,
    severity: Severity::Low,
    title: "Package runs a script when it is installed",
    remedy: "read what it does, or install with --ignore-scripts",
    sas: "SAS-6",
};
pub static DISGUISED: Rule = Rule {
    id: "FA-HOOK-DISGUISED",
    kind: Kind::SupplyChain,
    severity: Severity::High,
    title: "Program looks like data",
    remedy: "find out who put it there and what it does; remove it",
    sas: "SAS-6",
};
pub static DATA_FOLDER: Rule = Rule {
    id: "FA-HOOK-DATA-FOLDER",
    kind: Kind::SupplyChain,
    severity: Severity::Medium,
    title: "Program among data",
    remedy: "make sure that it is meant to be there; programs belong with the code",
    sas: "SAS-6",
};
pub static SETUID: Rule = Rule {
    id: "FA-HOOK-SETUID",
    kind: Kind::SupplyChain,
    severity: Severity::Medium,
    title: "Program runs with the rights of its owner",
    remedy: "take the bit away (chmod a-s): a function has no use for it",
    sas: "SAS-5",
};
pub static LINK: Rule = Rule {
    id: "FA-HOOK-LINK",
    kind: Kind::SupplyChain,
    severity: Severity::Medium,
    title: "Link leads out of the bundle",
    remedy: "pack the file that it leads to, or remove the link",
    sas: "SAS-3",
};
pub static BIDIRECTIONAL: Rule = Rule {
    id: "FA-HOOK-BIDI",
    kind: Kind::SupplyChain,
    severity: Severity::High,
    title: "Source is shown in another order than it runs",
    remedy: "look at it with the characters written out, and remove them (CVE-2021-42574)",
    sas: "SAS-6",
};
pub static INVISIBLE: Rule = Rule {
    id: "FA-HOOK-INVISIBLE",
    kind: Kind::SupplyChain,
    severity: Severity::High,
    title: "Source holds what nobody sees",
    remedy: "look at it with the characters written out; who hides code or data has a reason",
    sas: "SAS-6",
};
pub static TYPOSQUAT: Rule = Rule {
    id: "FA-TYPOSQUAT",
    kind: Kind::SupplyChain,
    severity: Severity::Medium,
    title: "Name like a popular package's",
    remedy: "make sure that it is the package you mean",
    sas: "SAS-6",
};
pub static ORIGIN_GIT: Rule = Rule {
    id: "FA-ORIGIN-GIT",
    kind: Kind::SupplyChain,
    severity: Severity::Medium,
    title: "Dependency from a repository",
    remedy: "name a whole commit, or take a release from the registry: a branch or tag may be other code tomorrow",
    sas: "SAS-6",
};
pub static ORIGIN_HTTP: Rule = Rule {
    id: "FA-ORIGIN-HTTP",
    kind: Kind::SupplyChain,
    severity: Severity::High,
    title: "Dependency over a plain connection",
    remedy: "take it over https and lock it with a hash: anyone on the way can put other code in its place",
    sas: "SAS-6",
};
pub static ORIGIN_URL: Rule = Rule {
    id: "FA-ORIGIN-URL",
    kind: Kind::SupplyChain,
    severity: Severity::Medium,
    title: "Dependency from an address",
    remedy: "take a release from the registry, or lock the file with its hash: what an address gives may change",
    sas: "SAS-6",
};
pub static ORIGIN_PATH: Rule = Rule {
    id: "FA-ORIGIN-PATH",
    kind: Kind::SupplyChain,
    severity: Severity::Low,
    title: "Dependency outside the artifact",
    remedy: "make sure that it is what was looked at: it is not in the artifact",
    sas: "SAS-6",
};
pub static INDEX_INSECURE: Rule = Rule {
    id: "FA-INDEX-INSECURE",
    kind: Kind::SupplyChain,
    severity: Severity::Medium,
    title: "Package index without a verified connection",
    remedy: "take packages over https and verify certificates: anyone on the way can put others in their place",
    sas: "SAS-6",
};
pub static INDEX_EXTRA: Rule = Rule {
    id: "FA-INDEX-EXTRA",
    kind: Kind::SupplyChain,
    severity: Severity::Medium,
    title: "Package index beside the registry",
    remedy: "have one index for each name: pip takes the highest version of any, be it a stranger's",
    sas: "SAS-6",
};
pub static UNPINNED: Rule = Rule {
    id: "FA-UNPINNED",
    kind: Kind::SupplyChain,
    severity: Severity::Low,
    title: "Dependency in no fixed version",
    remedy: "pin the version, or ship the lock file: the next build may bring what nobody looked at",
    sas: "SAS-6",
};
pub static LOCK_NO_HASH: Rule = Rule {
    id: "FA-LOCK-NO-HASH",
    kind: Kind::SupplyChain,
    severity: Severity::Low,
    title: "Locked without a hash",
    remedy: "write the lock file anew with hashes: without one, nothing shows that a package was replaced",
    sas: "SAS-6",
};
