//! The command line as it is written.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{OsStringValueParser, PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use fnaudit::artifact::limits::Limits;
use fnaudit::finding::{Kind, Severity};
use fnaudit::policy::FailOn;
use fnaudit::size::platform::{self, PLATFORMS, Platform};
use fnaudit::text::parse_size;

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
    /// Say what takes how much of artifacts, whether it fits, and what could be left out
    Size(SizeArgs),
    /// Work with the advisory database
    #[command(subcommand)]
    Db(DbCommand),
}

#[derive(Debug, Subcommand)]
pub enum DbCommand {
    /// Download what is new in OSV's public data
    ///
    /// Without --ecosystem, what was downloaded before is brought up to date; the first time npm, PyPI, crates.io,
    /// Go and Maven are. Nothing is downloaded twice, and what breaks off goes on where it was. Proxies are taken
    /// from HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY.
    Update(UpdateArgs),
    /// Say what the database holds, how old it is, and where it is from
    Status(StatusArgs),
    /// Read every byte of the database, and compare it with its checksums
    Verify(VerifyArgs),
    /// Build the local database from advisories in OSV form
    ///
    /// SOURCE is a folder laid out like OSV's public bucket (ECOSYSTEM/all.zip), one all.zip, a folder of
    /// JSON records, the http(s) address of an all.zip, or a database that `fnaudit db export` wrote. The new
    /// database replaces the one that was there.
    Import(ImportArgs),
    /// Write the database to one file, to carry it to a machine without a network
    ///
    /// Prints the file's SHA-256 as `sha256sum` does. `fnaudit db import FILE` takes it in.
    Export(ExportArgs),
    /// Show an advisory by its id or an alias
    Show(ShowArgs),
    /// List the packages with advisories whose names contain a text
    Search(SearchArgs),
}

#[derive(Debug, Args)]
pub struct UpdateArgs {
    /// Download these, by OSV's names, or `all`; may be given several times
    #[arg(long = "ecosystem", value_name = "NAME", value_delimiter = ',')]
    pub ecosystems: Vec<String>,
    /// Download from this server, laid out like OSV's bucket; of several the first that answers is taken
    #[arg(
        long = "url",
        value_name = "URL",
        env = "FNAUDIT_OSV_URL",
        value_delimiter = ','
    )]
    pub urls: Vec<String>,
    /// Download CISA's list of vulnerabilities that are known to be exploited
    #[arg(long)]
    pub kev: bool,
    /// Download FIRST's estimates of how likely a vulnerability is exploited
    #[arg(long)]
    pub epss: bool,
    /// Where that list is; includes --kev
    #[arg(long, value_name = "URL", env = "FNAUDIT_KEV_URL")]
    pub kev_url: Option<String>,
    /// Where those estimates are; includes --epss
    #[arg(long, value_name = "URL", env = "FNAUDIT_EPSS_URL")]
    pub epss_url: Option<String>,
    #[command(flatten)]
    pub network: NetworkArgs,
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// Show no progress
    #[arg(long, short)]
    pub quiet: bool,
}

#[derive(Debug, Args)]
pub struct NetworkArgs {
    /// Trust the certificate authorities in this PEM file too; may be given several times
    #[arg(
        long = "ca-cert",
        value_name = "FILE",
        env = "FNAUDIT_CA_CERT",
        value_delimiter = ','
    )]
    pub ca_certs: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub struct StatusArgs {
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// The form of the answer
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

#[derive(Debug, Args)]
pub struct VerifyArgs {
    #[command(flatten)]
    pub database: DatabaseArgs,
}

#[derive(Debug, Args)]
pub struct ImportArgs {
    /// Where the advisories are
    #[arg(value_name = "SOURCE")]
    pub source: String,
    #[command(flatten)]
    pub network: NetworkArgs,
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
pub struct ExportArgs {
    /// The file to write
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    #[command(flatten)]
    pub database: DatabaseArgs,
}

#[derive(Debug, Args)]
pub struct ShowArgs {
    /// An id, such as GHSA-35jh-r3h4-6jhm or CVE-2021-23337
    #[arg(value_name = "ID")]
    pub id: String,
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// The form of the answer; as JSON it is the record as its source wrote it
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

#[derive(Debug, Args)]
pub struct SearchArgs {
    /// Part of a name
    #[arg(value_name = "NAME")]
    pub name: String,
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// The form of the answer
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

#[derive(Debug, Args)]
pub struct AuditArgs {
    #[command(flatten)]
    pub input: InputArgs,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub database: DatabaseArgs,
    #[command(flatten)]
    pub age: AgeArgs,
    /// Use no network; auditing never does, and then does not offer to download advisories either
    #[arg(long)]
    pub offline: bool,
    /// What makes the exit status 1: a severity and all above it, `kev` for what is known to be exploited, or both
    #[arg(
        long,
        value_name = "WHAT",
        default_value = "high",
        value_delimiter = ','
    )]
    pub fail_on: Vec<FailOnArg>,
    /// Report these kinds of finding alone
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    pub only: Vec<KindArg>,
    /// Leave out these kinds of finding
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    pub skip: Vec<KindArg>,
    #[command(flatten)]
    pub size: SizeFlags,
    /// Show secrets in full; only as a table on a terminal
    #[arg(long)]
    pub show_secrets: bool,
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
pub struct SizeArgs {
    #[command(flatten)]
    pub input: InputArgs,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub size: SizeFlags,
    /// What makes the exit status 1: a severity and all above it, or `never`
    #[arg(long, value_name = "WHAT", default_value = "high")]
    pub fail_on: FailOnArg,
    #[command(flatten)]
    pub talk: TalkArgs,
}

/// How sizes are judged.
#[derive(Debug, Args)]
pub struct SizeFlags {
    /// The platform that the artifact is for [default: what the artifact itself tells]
    #[arg(long, value_name = "NAME", value_parser = platform_parser())]
    pub platform: Option<&'static Platform>,
    /// An earlier JSON report to compare sizes with
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
}

fn platform_parser() -> impl TypedValueParser<Value = &'static Platform> {
    let names = PLATFORMS
        .iter()
        .map(|platform| PossibleValue::new(platform.name).help(platform.title));
    let unknown = || "is no platform that fnaudit knows";
    PossibleValuesParser::new(names).try_map(move |name| platform::named(&name).ok_or_else(unknown))
}

#[derive(Debug, Args)]
pub struct InputArgs {
    /// Archives, images or folders; `-` for standard input
    #[arg(value_name = "ARTIFACT", required = true)]
    pub artifacts: Vec<PathBuf>,
    /// A layer that is deployed with the artifact; may be given several times
    #[arg(long = "layer", value_name = "FILE")]
    pub layers: Vec<PathBuf>,
    /// A lock file that the artifact was built from, for the versions of what is in it; may be given several times
    #[arg(long = "lock", value_name = "FILE")]
    pub locks: Vec<PathBuf>,
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
    #[arg(long, value_name = "DIR", env = "FNAUDIT_DB", value_parser = OsStringValueParser::new())]
    db: Option<OsString>,
}

impl UpdateArgs {
    /// What they are where nobody gave any: the environment may say something.
    pub fn unasked() -> Result<UpdateArgs, clap::Error> {
        #[derive(Parser)]
        struct Unasked {
            #[command(flatten)]
            args: UpdateArgs,
        }
        Ok(Unasked::try_parse_from(["fnaudit"])?.args)
    }
}

impl DatabaseArgs {
    /// The folder that was named. An empty variable names none.
    pub fn dir(&self) -> Option<PathBuf> {
        let named = self.db.as_ref().filter(|db| !db.is_empty());
        named.map(PathBuf::from)
    }
}

#[derive(Debug, Args)]
pub struct AgeArgs {
    /// Call the database old from this age on: days, or a number with a unit such as 12h, 7d or 2w [default: 7d]
    #[arg(long, value_name = "AGE", value_parser = parse_age)]
    pub max_age: Option<Duration>,
    /// End with status 2 where the database is old, or where there is none
    #[arg(long)]
    pub require_fresh: bool,
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOnArg {
    Low,
    Medium,
    High,
    Critical,
    /// What is known to be exploited, whatever its severity
    Kev,
    Never,
}

impl FailOnArg {
    /// What several of them mean together.
    pub fn together(args: &[FailOnArg]) -> FailOn {
        let severity = |arg: &FailOnArg| match arg {
            FailOnArg::Low => Some(Severity::Low),
            FailOnArg::Medium => Some(Severity::Medium),
            FailOnArg::High => Some(Severity::High),
            FailOnArg::Critical => Some(Severity::Critical),
            FailOnArg::Kev | FailOnArg::Never => None,
        };
        FailOn {
            severity: args.iter().filter_map(severity).min(),
            kev: args.contains(&FailOnArg::Kev),
        }
    }
}

/// The kinds of finding that there are rules for.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum KindArg {
    Vulnerability,
    Malware,
    Secret,
    Size,
    SupplyChain,
    Artifact,
}

impl From<KindArg> for Kind {
    fn from(arg: KindArg) -> Self {
        match arg {
            KindArg::Vulnerability => Kind::Vulnerability,
            KindArg::Malware => Kind::Malware,
            KindArg::Secret => Kind::Secret,
            KindArg::Size => Kind::Size,
            KindArg::SupplyChain => Kind::SupplyChain,
            KindArg::Artifact => Kind::Artifact,
        }
    }
}

const AGES: &[(&str, u64)] = &[("h", 3_600), ("d", 86_400), ("w", 7 * 86_400)];

/// `pub` for the configuration file, which writes ages in the same way.
pub fn parse_age(text: &str) -> Result<Duration, String> {
    let (digits, unit) = AGES
        .iter()
        .find_map(|&(suffix, unit)| Some((text.strip_suffix(suffix)?, unit)))
        .unwrap_or((text, 86_400));
    digits
        .trim()
        .parse::<u64>()
        .ok()
        .and_then(|n| n.checked_mul(unit))
        .map(Duration::from_secs)
        .ok_or_else(|| {
            "is not an age; write days, or a number with a unit such as 12h, 7d or 2w".into()
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
    fn ages_are_parsed() {
        let days = |n: u64| Duration::from_secs(n * 86_400);
        assert_eq!(parse_age("7"), Ok(days(7)));
        assert_eq!(parse_age("2w"), Ok(days(14)));
        assert_eq!(parse_age("48h"), Ok(days(2)));
        for bad in [
            "",
            "d",
            "-1",
            "1.5d",
            "7m",
            "99999999999999999999d",
            "9999999999999999w",
        ] {
            assert!(parse_age(bad).is_err(), "{bad}");
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
