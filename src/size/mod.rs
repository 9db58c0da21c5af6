//! How large a deployment is, of what, how much its platform takes, and what could be left out.
//!
//! All of it is made from what one walk over the artifact keeps of every file. See `docs/size.md`.

pub mod budget;
mod copies;
mod detect;
mod duplicates;
mod exceptions;
mod facts;
pub(crate) mod headers;
pub(crate) mod imports;
mod kinds;
mod locked;
mod modules;
mod native;
pub(crate) mod needs;
mod plan;
pub mod platform;
pub(crate) mod rules;
mod runtime;
mod tool;
mod usage;
mod verdict;
mod waste;

use std::collections::HashSet;

use serde::Serialize;

use self::budget::{Baseline, Budget};
use self::copies::Home;
use self::detect::Runtime;
use self::headers::NativeFile;
use self::imports::ImportedTests;
use self::locked::Locked;
use self::needs::{Needs, Stated, Tree};
use self::plan::Savings;
use self::platform::{Measure, Platform};
use self::usage::{Ownership, Placed};
use crate::artifact::Artifact;
use crate::component::Component;
use crate::finding::{EntryPath, Finding};
use crate::inspect::{Observations, ObservedFile, RecordFile};

pub use self::duplicates::{Copies, Duplicates, Versions};
pub use self::plan::{Plan, PlanItem};
pub use self::runtime::Provided;
pub use self::tool::Tool;
pub use self::waste::Safety;

/// How many of the largest files are named.
const MAX_FILES: usize = 20;

/// What is said where lock files hold more than is kept of them.
const MANY_LOCKS: &str = "the lock files have more packages than honest ones do: what they say of needs and of development was not used";

/// How sizes are judged.
#[derive(Debug, Default)]
pub struct Options {
    /// The platform, where the user names it.
    pub platform: Option<&'static Platform>,
    /// What the user allows.
    pub budget: Budget,
    /// An earlier report to compare with.
    pub baseline: Option<Baseline>,
}

/// What is known of the files of one artifact.
#[derive(Debug, Default)]
pub struct Part {
    files: Vec<ObservedFile>,
    records: Vec<RecordFile>,
    needs: Vec<Needs>,
    native: Vec<NativeFile>,
    imported_tests: Vec<ImportedTests>,
    bundlers: Vec<(EntryPath, Tool)>,
}

impl Part {
    /// Takes from the observations what nobody else needs.
    pub fn take(observations: &mut Observations, records: Vec<RecordFile>) -> Self {
        Part {
            files: std::mem::take(&mut observations.files),
            records,
            needs: std::mem::take(&mut observations.needs),
            native: std::mem::take(&mut observations.native),
            imported_tests: std::mem::take(&mut observations.imported_tests),
            bundlers: std::mem::take(&mut observations.bundlers),
        }
    }
}

/// A number of files, and their bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Amount {
    pub files: u64,
    pub unpacked_bytes: u64,
    /// Of their data in the archive; null where files are not packed one by one, as in a tar.
    pub packed_bytes: Option<u64>,
}

impl Default for Amount {
    fn default() -> Self {
        Amount {
            files: 0,
            unpacked_bytes: 0,
            packed_bytes: Some(0),
        }
    }
}

impl Amount {
    fn add(&mut self, file: &ObservedFile) {
        self.merge(&Amount {
            files: 1,
            unpacked_bytes: file.size,
            packed_bytes: file.packed,
        });
    }

    fn merge(&mut self, other: &Amount) {
        let packed = self.packed_bytes.zip(other.packed_bytes);
        self.packed_bytes = packed.map(|(a, b)| a.saturating_add(b));
        self.files += other.files;
        self.unpacked_bytes = self.unpacked_bytes.saturating_add(other.unpacked_bytes);
    }

    fn of<'a>(files: impl IntoIterator<Item = &'a ObservedFile>) -> Self {
        let mut amount = Amount::default();
        for file in files {
            amount.add(file);
        }
        amount
    }
}

/// Where the bytes of one deployment go: a function, or a function with its layers.
#[derive(Debug, Serialize)]
pub struct Sizes {
    /// The function, and its layers if it has any, as they are named in `artifacts`.
    pub artifacts: Vec<String>,
    /// By its name for `--platform`; null where nothing tells it for certain.
    pub platform: Option<&'static str>,
    /// As the platform names it, such as `python3.12`; null where nothing tells it for certain.
    pub runtime: Option<String>,
    /// What it was built with, as far as that can be told.
    pub tool: Tool,
    /// Every deployed file. The amounts of `components` and `own_files` add up to it.
    pub total: Amount,
    /// What the platform takes, and how much of it is used.
    pub limits: Vec<LimitUse>,
    /// Packages with files of their own, the largest first.
    pub components: Vec<ComponentSize>,
    /// What belongs to none of them: the function itself.
    pub own_files: Amount,
    /// The largest files, the largest first.
    pub largest_files: Vec<FileSize>,
    pub duplicates: Duplicates,
    /// Packages that the runtime has anyway.
    pub provided: Vec<Provided>,
    /// Symbols and debug information in native code, by the headers of the files: an estimate of what `strip` would
    /// remove. It is no part of the plan.
    pub symbols: Amount,
    /// What to leave out.
    pub plan: Plan,
    /// How it has grown since the report of `--baseline`; null without one.
    pub growth: Option<budget::Growth>,
}

/// A limit of the platform.
#[derive(Debug, Serialize)]
pub struct LimitUse {
    pub measure: Measure,
    /// The artifact that it is about, where it is about one of several.
    pub artifact: Option<String>,
    /// What it is, for people.
    pub what: &'static str,
    /// Bytes, or a number of layers. What is above is over it.
    pub limit: u64,
    pub used: u64,
    /// Where the platform says so.
    pub source: &'static str,
    /// The day on which the source was read.
    pub checked: &'static str,
}

/// What one package takes.
#[derive(Debug, Serialize)]
pub struct ComponentSize {
    pub purl: String,
    pub name: String,
    pub version: Option<String>,
    #[serde(flatten)]
    pub amount: Amount,
    /// Together with all that only it needs; null where no tree of dependencies is known.
    pub with_needed: Option<Amount>,
    /// The purl of the nearest package that alone needs it; null if several do, or the function itself.
    pub only_for: Option<String>,
}

/// A file and its size.
#[derive(Debug, Serialize)]
pub struct FileSize {
    pub path: String,
    pub unpacked_bytes: u64,
    pub packed_bytes: Option<u64>,
    /// The purl of the package that it belongs to; null for the function's own.
    pub package: Option<String>,
}

/// All that is known of a deployment when its files are judged.
struct Deployment<'a> {
    artifacts: &'a [Artifact],
    parts: &'a [Part],
    /// Packages that only development needs.
    development: HashSet<usize>,
    /// Links that lead to them.
    development_links: HashSet<&'a EntryPath>,
    /// The folders of packages that lie in a folder around them too.
    copies: HashSet<Home<'a>>,
    packages: &'a [Component],
    placed: &'a [Placed<'a>],
    tree: &'a Tree,
    platform: Option<&'static Platform>,
    runtime: Option<Runtime>,
    tool: Tool,
}

impl Deployment<'_> {
    fn is_image(&self) -> bool {
        self.artifacts
            .iter()
            .any(|artifact| artifact.kind == "image")
    }

    /// Whether it runs on Linux, as far as that is known.
    fn is_for_linux(&self) -> bool {
        self.platform.is_some_and(|platform| platform.is_linux)
    }
}

/// Measures a deployment: gives the artifacts their platform and the components their sizes. Returns what was asked for
/// and could not be checked, too.
pub fn measure(
    artifacts: &mut [Artifact],
    parts: &[Part],
    mut stated: Stated,
    packages: &mut [Component],
    options: &Options,
) -> (Sizes, Vec<Finding>, Vec<String>) {
    let locks = std::mem::take(&mut stated.locks);
    let unread = locks.are_too_large().then(|| MANY_LOCKS.to_owned());
    let locked = Locked::of(&locks.settle(), parts, packages);
    let (sizes, findings, amounts) = judge(artifacts, parts, &stated, &locked, packages, options);
    let mut unchecked = options.budget.unchecked(
        &sizes.components,
        sizes.growth.as_ref(),
        options.baseline.is_some(),
    );
    unchecked.extend(unread);
    for (component, amount) in packages.iter_mut().zip(amounts) {
        if amount.files > 0 && component.size_bytes.is_none() {
            component.size_bytes = Some(amount.unpacked_bytes);
        }
    }
    for artifact in artifacts {
        artifact.platform = sizes.platform.map(str::to_owned);
    }
    (sizes, findings, unchecked)
}

fn judge(
    artifacts: &[Artifact],
    parts: &[Part],
    stated: &Stated,
    locked: &Locked,
    packages: &[Component],
    options: &Options,
) -> (Sizes, Vec<Finding>, Vec<Amount>) {
    let ownership = Ownership::of(parts, packages);
    let placed = ownership.place(parts);
    let (amounts, own_files) = usage::by_component(&placed, packages.len());
    let tree = Tree::of(parts, stated, locked, packages, &amounts, &ownership);
    let development = locked.only_for_development(&amounts, &tree);
    let deployment = Deployment {
        artifacts,
        parts,
        copies: copies::find(&placed, parts),
        development_links: locked::links_to(&development, &placed, &ownership),
        development,
        packages,
        placed: &placed,
        tree: &tree,
        platform: options
            .platform
            .or_else(|| detect::platform(&placed, packages)),
        runtime: detect::runtime(&placed),
        tool: tool::detect(&placed, parts, packages),
    };
    let total = Amount::of(placed.iter().map(|placed| placed.file));
    let limits = verdict::limits(&deployment, &total);
    let provided = runtime::provided(&deployment, &amounts);
    let plan = Savings::of(&deployment, &provided).plan(&limits);
    let components = component_sizes(packages, &amounts, tree.with_needed(&amounts));
    let growth = options
        .baseline
        .as_ref()
        .and_then(|baseline| baseline.growth(artifacts, &total, &components));
    let mut findings = verdict::findings(&deployment, &limits, &plan);
    findings.extend(native::findings(&deployment));
    findings.extend(
        options
            .budget
            .findings(artifacts, &total, &components, growth.as_ref()),
    );
    let sizes = Sizes {
        artifacts: artifacts.iter().map(|a| a.path.clone()).collect(),
        platform: deployment.platform.map(|platform| platform.name),
        runtime: deployment.runtime.map(|runtime| runtime.to_string()),
        tool: deployment.tool,
        limits,
        own_files,
        largest_files: largest_files(&placed, packages),
        duplicates: duplicates::find(&placed, packages),
        provided,
        symbols: native::symbols(&deployment),
        total,
        components,
        plan,
        growth,
    };
    (sizes, findings, amounts)
}

fn component_sizes(
    packages: &[Component],
    amounts: &[Amount],
    with_needed: Option<Vec<(Amount, Option<usize>)>>,
) -> Vec<ComponentSize> {
    let rows = packages.iter().zip(amounts).enumerate();
    let rows = rows.filter(|(_, (_, amount))| amount.files > 0);
    let mut sizes: Vec<ComponentSize> = rows
        .map(|(index, (component, amount))| {
            let needed = with_needed.as_ref().and_then(|all| all.get(index));
            let only_for = needed.and_then(|(_, only_for)| packages.get((*only_for)?));
            ComponentSize {
                purl: component.purl.clone(),
                name: component.name.clone(),
                version: component.version.clone(),
                amount: amount.clone(),
                with_needed: needed.map(|(amount, _)| amount.clone()),
                only_for: only_for.map(|component| component.purl.clone()),
            }
        })
        .collect();
    sizes.sort_by(|a, b| {
        let largest = b.amount.unpacked_bytes.cmp(&a.amount.unpacked_bytes);
        largest.then_with(|| a.purl.cmp(&b.purl))
    });
    sizes
}

fn largest_files(placed: &[Placed], packages: &[Component]) -> Vec<FileSize> {
    let mut files: Vec<&Placed> = placed.iter().collect();
    let by_size = |a: &&Placed, b: &&Placed| {
        let largest = b.file.size.cmp(&a.file.size);
        largest.then_with(|| (a.part, a.path()).cmp(&(b.part, b.path())))
    };
    if files.len() > MAX_FILES {
        files.select_nth_unstable_by(MAX_FILES, by_size);
        files.truncate(MAX_FILES);
    }
    files.sort_by(by_size);
    let size = |placed: &&Placed| FileSize {
        path: placed.file.path.to_string(),
        unpacked_bytes: placed.file.size,
        packed_bytes: placed.file.packed,
        package: placed
            .owner
            .and_then(|owner| packages.get(owner.component))
            .map(|component| component.purl.clone()),
    };
    files.iter().map(size).collect()
}
