//! The command line as it is written.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use fnaudit::artifact::limits::Limits;
use fnaudit::finding::{Kind, Severity};
use fnaudit::policy::FailOn;

/// Audits what a serverless function really ships.
///
/// Opens a deployment artifact (zip, tar, container image, layer or folder), finds every third-party
/// component in it and matches them with advisories, without unpacking it and without a network.
#[derive(Debug, Parser)]
#[command(
    version,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Exit status: 0 nothing at or above --fail-on, 1 something is, 2 the audit could not be done."
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub audit: AuditArgs,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Audit artifacts (the same as without a command)
    Audit(AuditArgs),
    /// List the components of artifacts, without findings
    Inventory(InventoryArgs),
    /// Work with the advisory database
    #[command(subcommand)]
    Db(DbCommand),
}

#[derive(Debug, Subcommand)]
pub enum DbCommand {
    /// Build the local database from advisories in OSV form
    ///
    /// SOURCE is a folder laid out like OSV's public bucket (ECOSYSTEM/all.zip), one all.zip, a folder of
    /// JSON records, or the http(s) address of an all.zip. The new database replaces the one that was there.
    Import(ImportArgs),
}

#[derive(Debug, Args)]
pub struct ImportArgs {
    /// Where the advisories are
    #[arg(value_name = "SOURCE")]
    pub source: String,
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// Refuse to use the network
    #[arg(long)]
    pub offline: bool,
    /// Show no progress
    #[arg(long, short)]
    pub quiet: bool,
}

#[derive(Debug, Args)]
pub struct AuditArgs {
    #[command(flatten)]
    pub input: InputArgs,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// Use no network; auditing never does, so that this only states it
    #[arg(long)]
    pub offline: bool,
    /// The least severity that makes the exit status 1
    #[arg(long, value_name = "SEVERITY", default_value = "high")]
    pub fail_on: FailOnArg,
    /// Report these kinds of finding alone
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    pub only: Vec<KindArg>,
    /// Leave out these kinds of finding
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    pub skip: Vec<KindArg>,
    #[command(flatten)]
    pub talk: TalkArgs,
}

#[derive(Debug, Args)]
pub struct InventoryArgs {
    #[command(flatten)]
    pub input: InputArgs,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub talk: TalkArgs,
}

#[derive(Debug, Args)]
pub struct InputArgs {
    /// Archives, images or folders; `-` for standard input
    #[arg(value_name = "ARTIFACT", required = true)]
    pub artifacts: Vec<PathBuf>,
    /// A layer that is deployed with the artifact; may be given several times
    #[arg(long = "layer", value_name = "FILE")]
    pub layers: Vec<PathBuf>,
    /// Threads to work with [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    #[command(flatten)]
    pub limits: LimitArgs,
}

#[derive(Debug, Args)]
pub struct OutputArgs {
    /// The form of the report
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// Write the report here instead of to standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct DatabaseArgs {
    /// The folder of the advisory database [default: fnaudit in the user's cache folder]
    #[arg(long, value_name = "DIR", env = "FNAUDIT_DB")]
    pub db: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct TalkArgs {
    /// Say nothing on standard error but errors
    #[arg(long, short)]
    pub quiet: bool,
    /// Leave nothing out: every finding, location and file that could not be read
    #[arg(long, short, conflicts_with = "quiet")]
    pub verbose: bool,
}

/// The heading of [`LimitArgs`]. On the struct it would also stand over what follows where that is flattened.
const LIMITS: &str = "Limits, against archives that are made to exhaust their reader";

/// Sizes are bytes, or have a unit: `512MiB`, `2GB`.
#[derive(Debug, Args)]
pub struct LimitArgs {
    /// Unpacked size of everything together [default: 16GiB]
    #[arg(long, help_heading = LIMITS, value_name = "SIZE", value_parser = parse_size)]
    pub max_unpacked: Option<u64>,
    /// Unpacked size of one entry [default: 4GiB]
    #[arg(long, help_heading = LIMITS, value_name = "SIZE", value_parser = parse_size)]
    pub max_entry: Option<u64>,
    /// Unpacked over packed size, for entries over 16 MiB [default: 200]
    #[arg(long, help_heading = LIMITS, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_ratio: Option<u64>,
    /// Number of entries [default: 500000]
    #[arg(long, help_heading = LIMITS, value_name = "N")]
    pub max_entries: Option<u64>,
    /// Number of archives within the artifact [default: 10000]
    #[arg(long, help_heading = LIMITS, value_name = "N")]
    pub max_archives: Option<u64>,
    /// Depth of archives within archives [default: 8]
    #[arg(long, help_heading = LIMITS, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=64))]
    pub max_depth: Option<u32>,
    /// Unpacked bytes held in memory at once [default: 192MiB]
    #[arg(long, help_heading = LIMITS, value_name = "SIZE", value_parser = parse_size)]
    pub max_memory: Option<u64>,
    /// Time for one artifact, in seconds [default: 120]
    #[arg(long, help_heading = LIMITS, value_name = "SECONDS")]
    pub max_time: Option<u64>,
}

impl LimitArgs {
    pub fn limits(&self) -> Limits {
        let default = Limits::default();
        Limits {
            max_unpacked: self.max_unpacked.unwrap_or(default.max_unpacked),
            max_entry: self.max_entry.unwrap_or(default.max_entry),
            max_ratio: self.max_ratio.unwrap_or(default.max_ratio),
            max_entries: self.max_entries.unwrap_or(default.max_entries),
            max_archives: self.max_archives.unwrap_or(default.max_archives),
            max_depth: self.max_depth.unwrap_or(default.max_depth),
            max_memory: self.max_memory.unwrap_or(default.max_memory),
            max_time: self.max_time.map_or(default.max_time, Duration::from_secs),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Table,
    /// For programs
    Json,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum FailOnArg {
    Low,
    Medium,
    High,
    Critical,
    Never,
}

impl From<FailOnArg> for FailOn {
    fn from(arg: FailOnArg) -> Self {
        match arg {
            FailOnArg::Low => FailOn::Severity(Severity::Low),
            FailOnArg::Medium => FailOn::Severity(Severity::Medium),
            FailOnArg::High => FailOn::Severity(Severity::High),
            FailOnArg::Critical => FailOn::Severity(Severity::Critical),
            FailOnArg::Never => FailOn::Never,
        }
    }
}

/// The kinds of finding that there are rules for.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum KindArg {
    Vulnerability,
    Malware,
    Artifact,
}

impl From<KindArg> for Kind {
    fn from(arg: KindArg) -> Self {
        match arg {
            KindArg::Vulnerability => Kind::Vulnerability,
            KindArg::Malware => Kind::Malware,
            KindArg::Artifact => Kind::Artifact,
        }
    }
}

const UNITS: &[(&str, u64)] = &[
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("kB", 1_000),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("B", 1),
];

fn parse_size(text: &str) -> Result<u64, String> {
    let (digits, unit) = UNITS
        .iter()
        .find_map(|&(suffix, unit)| Some((text.strip_suffix(suffix)?, unit)))
        .unwrap_or((text, 1));
    digits
        .trim()
        .parse::<u64>()
        .ok()
        .and_then(|n| n.checked_mul(unit))
        .ok_or_else(|| {
            "is not a size; write bytes, or a number with a unit such as 512MiB or 2GB".into()
        })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn sizes_are_parsed() {
        assert_eq!(parse_size("12"), Ok(12));
        assert_eq!(parse_size("2 GiB"), Ok(2 << 30));
        assert_eq!(parse_size("3kB"), Ok(3000));
        for bad in ["", "MiB", "-1", "1.5GB", "99999999999TiB", "7 parsecs"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
    }

    /// The help states the defaults in words; this keeps them true.
    #[test]
    fn the_help_states_the_real_defaults() {
        let limits = Limits::default();
        let mut command = Cli::command();
        let help = command.render_long_help().to_string();
        for (flag, value) in [
            (
                "--max-unpacked",
                format!("{}GiB", limits.max_unpacked >> 30),
            ),
            ("--max-entry", format!("{}GiB", limits.max_entry >> 30)),
            ("--max-ratio", limits.max_ratio.to_string()),
            ("--max-entries", limits.max_entries.to_string()),
            ("--max-archives", limits.max_archives.to_string()),
            ("--max-depth", limits.max_depth.to_string()),
            ("--max-memory", format!("{}MiB", limits.max_memory >> 20)),
            ("--max-time", limits.max_time.as_secs().to_string()),
        ] {
            let after = help.split(&format!("{flag} ")).nth(1).unwrap();
            let stated = after.split("[default: ").nth(1).unwrap();
            assert!(
                stated.starts_with(&format!("{value}]")),
                "{flag}: {stated:.20}"
            );
        }
    }
}
