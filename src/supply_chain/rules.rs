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
