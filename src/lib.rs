//! Audits what a serverless function really ships: opens the deployment artifact, finds every third-party
//! component in it and matches them with advisories, in one pass and offline.
//!
//! ```no_run
//! let auditor = fnaudit::Auditor::new(fnaudit::Options::default())?;
//! let audited = auditor.audit("function.zip".as_ref())?;
//! for finding in &audited.report.findings {
//!     println!("{} {}", finding.severity, finding.title);
//! }
//! # Ok::<(), fnaudit::AuditError>(())
//! ```

pub mod advisory;
pub mod artifact;
mod assess;
pub mod component;
pub mod finding;
pub mod inspect;
pub mod inventory;
pub mod policy;
pub mod report;
pub mod secret;
pub mod size;
mod supply_chain;
pub mod text;
pub mod version;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use rayon::{ThreadPool, ThreadPoolBuilder};
use thiserror::Error;

use advisory::database::{Database, DatabaseError};
use artifact::image::ImageDocuments;
use artifact::limits::{Budget, Limits};
use artifact::{ArtifactError, Tools};
use finding::{EntryPath, Finding, Kind};
use inspect::{Inspector, Observations};
use inventory::lock::{LockError, Locks};
use report::{ReadError, Report, SCHEMA_VERSION, Summary, Tool};
use secret::Scanner;

/// How to audit.
#[derive(Default)]
pub struct Options {
    /// What components are matched with; the database in the user's cache folder by default.
    pub advisories: Advisories,
    /// What an audit may cost.
    pub limits: Limits,
    /// Lock files that the artifact was built from: they tell the versions of what is known by its name alone.
    pub locks: Vec<PathBuf>,
    /// None for one a core.
    pub threads: Option<usize>,
    /// Which findings are reported.
    pub kinds: KindFilter,
    /// Rules and allow lists of one's own for secrets.
    pub secrets: secret::UserRules,
    /// Keys what fingerprints hold of secrets; one's own, so that nobody can try out passwords against a report.
    pub fingerprint_key: Vec<u8>,
    /// Have findings show secrets in full, for a person who asked to see them.
    pub show_secrets: bool,
    /// How sizes are judged.
    pub size: size::Options,
}

/// Which advisories components are matched with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Advisories {
    /// The database in this folder; it is an error if there is none.
    At(PathBuf),
    /// The database in the user's cache folder, or else the starter set.
    #[default]
    DefaultOrStarter,
    /// None: the report lists components alone.
    None,
}

/// Which kinds of finding are reported.
#[derive(Clone, Debug, Default)]
pub struct KindFilter {
    /// These alone, unless it is empty.
    pub only: Vec<Kind>,
    /// Never these, even if they are among [`KindFilter::only`].
    pub skip: Vec<Kind>,
}

impl KindFilter {
    fn keeps(&self, kind: Kind) -> bool {
        (self.only.is_empty() || self.only.contains(&kind)) && !self.skip.contains(&kind)
    }
}

/// Why there is no report.
#[derive(Debug, Error)]
pub enum AuditError {
    /// It could not be opened or read.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// The database is there, but cannot be read.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The folder that was asked for holds no database.
    #[error("{}: holds no advisory database; `fnaudit db update --db {}` downloads one", .0.display(), .0.display())]
    NoDatabase(PathBuf),
    /// A rule or an allow list of the user's is no good.
    #[error(transparent)]
    Rule(#[from] secret::RuleError),
    /// A lock file cannot be read whole.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The system would not start as many.
    #[error("threads could not be started: {0}; try --threads 1")]
    Threads(#[from] rayon::ThreadPoolBuildError),
}

/// A report, and whether it is about all of the artifact.
#[derive(Debug)]
pub struct Audited {
    /// What was found, in as much of the artifact as could be read.
    pub report: Report,
    /// Artifacts that end before they should; what would have followed is unknown.
    pub cut: Vec<String>,
}

/// Audits artifacts; made once for any number of them.
pub struct Auditor {
    database: Option<Database>,
    locks: Locks,
    limits: Limits,
    kinds: KindFilter,
    pool: ThreadPool,
    inspectors: Vec<&'static dyn Inspector>,
    secrets: Option<Scanner>,
    size: size::Options,
    progress: Box<dyn Fn(u64) + Sync>,
}

impl Auditor {
    /// Opens the advisories, reads the lock files and starts the threads.
    pub fn new(options: Options) -> Result<Self, AuditError> {
        let locks = Locks::read(&options.locks)?;
        let database = match options.advisories {
            Advisories::None => None,
            Advisories::At(dir) => Some(Database::open(&dir)?.ok_or(AuditError::NoDatabase(dir))?),
            Advisories::DefaultOrStarter => Some(match advisory::default_dir() {
                Some(dir) => Database::open(&dir)?.unwrap_or_else(Database::starter),
                None => Database::starter(),
            }),
        };
        let pool = ThreadPoolBuilder::new()
            .num_threads(options.threads.unwrap_or(0))
            .thread_name(|n| format!("audit-{n}"))
            .build()?;
        let secrets = if options.kinds.keeps(Kind::Secret) {
            let scanner = Scanner::new(options.secrets)?.keyed(&options.fingerprint_key);
            Some(if options.show_secrets {
                scanner.keep_values()
            } else {
                scanner
            })
        } else {
            None
        };
        let mut inspectors: Vec<&'static dyn Inspector> = vec![&ImageDocuments];
        inspectors.extend(inventory::inspectors());
        if options.kinds.keeps(Kind::SupplyChain) {
            inspectors.extend(supply_chain::INSPECTORS);
        }
        inspectors.push(&size::imports::TestImports);
        Ok(Auditor {
            database,
            locks,
            limits: options.limits,
            kinds: options.kinds,
            pool,
            inspectors,
            secrets,
            size: options.size,
            progress: Box::new(|_| ()),
        })
    }

    /// Is told the unpacked bytes of each entry that was read, from any thread.
    pub fn on_progress(mut self, progress: impl Fn(u64) + Sync + 'static) -> Self {
        self.progress = Box::new(progress);
        self
    }

    /// The advisories that components are matched with; none under [`Advisories::None`].
    pub fn database(&self) -> Option<&Database> {
        self.database.as_ref()
    }

    /// Audits one artifact: an archive, an image, a folder, or standard input under the name `-`.
    pub fn audit(&self, artifact: &Path) -> Result<Audited, AuditError> {
        self.audit_deployment(artifact, &[])
    }

    /// Audits a function together with its layers: what each brings counts as one deployment.
    pub fn audit_deployment(
        &self,
        function: &Path,
        layers: &[PathBuf],
    ) -> Result<Audited, AuditError> {
        let started = Instant::now();
        let budget = Budget::new(&self.limits);
        let tools = Tools {
            pool: &self.pool,
            inspectors: &self.inspectors,
            secrets: self.secrets.as_ref(),
            budget: &budget,
            digests: self.kinds.keeps(Kind::SupplyChain),
            progress: &*self.progress,
        };
        let mut artifacts = Vec::new();
        let mut observations = Observations::default();
        let mut errors: Vec<ReadError> = Vec::new();
        let mut findings = Vec::new();
        let mut cut = Vec::new();
        let mut parts = Vec::new();
        for path in std::iter::once(function).chain(layers.iter().map(PathBuf::as_path)) {
            let mut opened = artifact::open(path, &tools)?;
            let name = &opened.artifact.path;
            if self.kinds.keeps(Kind::SupplyChain) {
                let judged = supply_chain::assess(&opened.artifact, &opened.observations);
                findings.extend(judged.findings);
                errors.extend(judged.errors);
            }
            let secrets = std::mem::take(&mut opened.observations.secrets);
            let records = opened.observations.take_published();
            if let Some(scanner) = &self.secrets {
                let allows = |fingerprint: &str| scanner.allows_fingerprint(fingerprint);
                findings.extend(assess::assess_secrets(name, allows, secrets, &records));
            }
            findings.extend(
                opened
                    .findings
                    .into_iter()
                    .map(|found| assess::structure(name, found)),
            );
            parts.push(size::Part::take(&mut opened.observations, records));
            cut.extend(opened.cut.map(|why| format!("{name}: {why}")));
            observations.append(opened.observations);
            errors.extend(opened.errors);
            artifacts.push(opened.artifact);
        }
        inventory::resolve::drop_foreign_lock_trees(&mut observations);
        self.locks.join(&mut observations);
        let origins = supply_chain::origins::Origins::take(&mut observations);
        let whole = EntryPath::new(&Arc::from(""), &artifacts[0].path);
        let stated = size::needs::Stated::take(&mut observations);
        let (mut packages, unresolved) = inventory::resolve::resolve(observations);
        errors.extend(unresolved);
        let measured = size::measure(&mut artifacts, &parts, stated, &mut packages, &self.size);
        let (sizes, of_size, unchecked) = measured;
        findings.extend(of_size);
        if self.kinds.keeps(Kind::Size) {
            let row = |message| ReadError::new(whole.clone(), message);
            errors.extend(unchecked.into_iter().map(row));
        }
        if let Some(database) = &self.database {
            let assess = || assess::assess_components(&mut packages, database, &budget);
            findings.extend(self.pool.install(assess)?);
            if self.kinds.keeps(Kind::SupplyChain) {
                let is_known =
                    |ecosystem, name: &str| assess::is_known_package(database, ecosystem, name);
                findings.extend(supply_chain::typosquat::assess(&packages, is_known)?);
                let names: Vec<&str> = artifacts.iter().map(|a| a.path.as_str()).collect();
                findings.extend(origins.assess(&names));
            }
        }
        let reported = |finding: &Finding| self.kinds.keeps(finding.kind);
        // What was not audited is said even where nobody asked for findings about it.
        let unasked = findings.iter().filter(|finding| !reported(finding));
        errors.extend(
            unasked
                .filter(|f| f.kind == Kind::Artifact)
                .map(not_audited),
        );
        findings.retain(reported);
        errors.extend(
            budget
                .shortfalls()
                .into_iter()
                .map(|message| ReadError::new(whole.clone(), message)),
        );
        errors.sort();
        let mut report = Report {
            schema_version: SCHEMA_VERSION,
            tool: Tool::THIS,
            database: self.database.as_ref().map(Database::info),
            artifacts,
            packages,
            sizes: vec![sizes],
            findings,
            errors,
            summary: Summary::default(),
        };
        report.summary.duration_ms =
            u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        report.finish();
        Ok(Audited { report, cut })
    }
}

fn not_audited(finding: &Finding) -> ReadError {
    let path = match finding.locations.first() {
        Some(location) => location.path.clone(),
        None => EntryPath::new(&Arc::from(""), ""),
    };
    ReadError::new(path, finding.title.clone())
}
