//! The report for people: one block a component, the worst first, and what to do about it.
//!
//! Colours are written as ANSI codes; the caller's stream strips them where they do not belong.

use std::collections::HashMap;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::Report;
use crate::advisory::database::DatabaseKind;
use crate::artifact::Artifact;
use crate::component::{Component, Scope};
use crate::finding::{Certainty, Finding, Kind, Location, Severity, SeveritySource};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

/// How many locations of one component are listed, and how many unreadable files, unless all are asked for.
const FEW_LOCATIONS: usize = 1;
const FEW_ERRORS: usize = 20;

fn style(severity: Severity) -> Style {
    match severity {
        Severity::Critical => AnsiColor::Red.on_default().bold(),
        Severity::High => AnsiColor::Red.on_default(),
        Severity::Medium => AnsiColor::Yellow.on_default(),
        Severity::Low => AnsiColor::Cyan.on_default(),
        Severity::Info => Style::new(),
    }
}

/// Writes what was found. `verbose` lists every location and every file that could not be read.
pub fn write(report: &Report, verbose: bool, out: &mut dyn Write) -> io::Result<()> {
    for artifact in &report.artifacts {
        write_artifact(artifact, out)?;
    }
    writeln!(out)?;
    for block in blocks(report) {
        write_block(&block, verbose, out)?;
    }
    write_errors(report, verbose, out)?;
    write_summary(report, out)
}

/// Writes the components alone, a line each.
pub fn write_inventory(report: &Report, verbose: bool, out: &mut dyn Write) -> io::Result<()> {
    let version = |c: &Component| match (&c.version, &c.version_range) {
        (Some(version), _) => version.clone(),
        (None, Some(range)) => range.clone(),
        (None, None) => "unknown".into(),
    };
    let width = |column: &dyn Fn(&Component) -> usize| {
        report.packages.iter().map(column).max().unwrap_or(0)
    };
    let name_width = width(&|c| c.name.chars().count());
    let version_width = width(&|c| version(c).chars().count());
    for component in &report.packages {
        writeln!(
            out,
            "{:9}  {BOLD}{:name_width$}{BOLD:#}  {:version_width$}  {:9}  {}",
            component.ecosystem.as_str(),
            component.name,
            version(component),
            format!("{:?}", component.evidence).to_lowercase(),
            locations(&component.locations, verbose),
        )?;
    }
    if !report.packages.is_empty() {
        writeln!(out)?;
    }
    write_errors(report, verbose, out)?;
    writeln!(out, "{}", components_line(report))
}

fn write_artifact(artifact: &Artifact, out: &mut dyn Write) -> io::Result<()> {
    write!(
        out,
        "{BOLD}{}{BOLD:#}  {}, {}",
        artifact.path,
        artifact.kind,
        count(artifact.entries, "file")
    )?;
    if let Some(packed) = artifact.packed_bytes {
        write!(out, ", {} packed", bytes(packed))?;
    }
    writeln!(out, ", {} unpacked", bytes(artifact.unpacked_bytes))
}

/// The findings about one component, or one finding about the artifact itself.
struct Block<'a> {
    component: Option<&'a Component>,
    findings: Vec<&'a Finding>,
}

/// Groups the findings, which stand worst first; so do the blocks.
fn blocks(report: &Report) -> Vec<Block<'_>> {
    let components: HashMap<(&str, Option<&Location>), &Component> = report
        .packages
        .iter()
        .map(|c| ((c.purl.as_str(), c.locations.first()), c))
        .collect();
    let mut blocks: Vec<Block> = Vec::new();
    let mut by_component: HashMap<*const Component, usize> = HashMap::new();
    for finding in &report.findings {
        let key = finding
            .package
            .as_deref()
            .map(|purl| (purl, finding.locations.first()));
        let component = key.and_then(|key| components.get(&key).copied());
        let known = component.and_then(|c| by_component.get(&std::ptr::from_ref(c)));
        if let Some(&index) = known {
            blocks[index].findings.push(finding);
            continue;
        }
        if let Some(component) = component {
            by_component.insert(std::ptr::from_ref(component), blocks.len());
        }
        blocks.push(Block {
            component,
            findings: vec![finding],
        });
    }
    blocks
}

fn write_block(block: &Block, verbose: bool, out: &mut dyn Write) -> io::Result<()> {
    let Some(worst) = block.findings.first() else {
        return Ok(());
    };
    let color = style(worst.severity);
    let label = worst.severity.as_str().to_uppercase();
    let Some(component) = block.component else {
        writeln!(
            out,
            "{color}{label:8}{color:#}  {BOLD}{}{BOLD:#}",
            worst.title
        )?;
        writeln!(
            out,
            "          {DIM}in {}{DIM:#}",
            locations(&worst.locations, verbose)
        )?;
        writeln!(out, "          {}", worst.remedy)?;
        return writeln!(out);
    };
    write!(
        out,
        "{color}{label:8}{color:#}  {BOLD}{} {}{BOLD:#}  {DIM}{}{}{DIM:#}",
        component.name,
        component.version.as_deref().unwrap_or("?"),
        component.ecosystem,
        if component.scope == Scope::Declared {
            ", only declared"
        } else {
            ""
        },
    )?;
    if !worst.counts {
        write!(
            out,
            "{DIM}; does not count: {} code of its own ships{DIM:#}",
            component.ecosystem
        )?;
    }
    writeln!(out)?;
    match &component.upgrade {
        _ if block.findings.iter().any(|f| f.kind == Kind::Malware) => {
            writeln!(out, "          {}", worst.remedy)?
        }
        Some(upgrade) if upgrade.fixes_all => {
            let what = match block.findings.len() {
                1 => "fixes it".to_owned(),
                n => format!("fixes all {n}"),
            };
            writeln!(
                out,
                "          upgrade to {BOLD}{}{BOLD:#}, which {what}",
                upgrade.version
            )?;
        }
        Some(upgrade) => writeln!(
            out,
            "          upgrade to {BOLD}{}{BOLD:#}, which fixes {} of {}",
            upgrade.version,
            upgrade.fixes,
            block.findings.len()
        )?,
        None => writeln!(
            out,
            "          no version is known to fix {}",
            if block.findings.len() == 1 {
                "it"
            } else {
                "them"
            }
        )?,
    }
    for finding in &block.findings {
        write_finding(finding, out)?;
    }
    writeln!(
        out,
        "          {DIM}in {}{DIM:#}",
        locations(&component.locations, verbose)
    )?;
    writeln!(out)
}

fn write_finding(finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
    let Some(advisory) = &finding.advisory else {
        return writeln!(out, "          {}", finding.title);
    };
    let cve = advisory.aliases.iter().find(|id| id.starts_with("CVE-"));
    let cve = cve.map(|id| format!(" ({id})")).unwrap_or_default();
    let fixed = advisory
        .fixed
        .as_ref()
        .map(|v| format!(", fixed in {v}"))
        .unwrap_or_default();
    let possible = match finding.certainty {
        Certainty::Possible => ", possibly affected",
        Certainty::Certain => "",
    };
    let unrated = match advisory.severity_source {
        SeveritySource::Default => ", severity not stated",
        SeveritySource::Database | SeveritySource::Cvss => "",
    };
    let color = style(finding.severity);
    writeln!(
        out,
        "          {color}{:8}{color:#}  {}{cve}  {}{DIM}{possible}{unrated}{fixed}{DIM:#}",
        finding.severity, advisory.id, finding.title
    )
}

fn locations(locations: &[Location], verbose: bool) -> String {
    let shown = if verbose {
        locations.len()
    } else {
        FEW_LOCATIONS
    };
    let listed: Vec<String> = locations
        .iter()
        .take(shown)
        .map(|l| match l.line {
            Some(line) => format!("{}:{line}", l.path),
            None => l.path.to_string(),
        })
        .collect();
    let more = locations.len() - listed.len();
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!("{}{more}", listed.join(", "))
}

fn write_errors(report: &Report, verbose: bool, out: &mut dyn Write) -> io::Result<()> {
    if report.errors.is_empty() {
        return Ok(());
    }
    let color = AnsiColor::Yellow.on_default();
    writeln!(out, "{color}not audited or not in full:{color:#}")?;
    let shown = if verbose {
        report.errors.len()
    } else {
        FEW_ERRORS
    };
    for error in report.errors.iter().take(shown) {
        let line = error
            .line
            .map(|line| format!(":{line}"))
            .unwrap_or_default();
        writeln!(out, "  {}{line}: {}", error.path, error.message)?;
    }
    let more = report.errors.len().saturating_sub(shown);
    if more > 0 {
        writeln!(out, "  and {more} more; -v lists them all")?;
    }
    writeln!(out)
}

fn write_summary(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", components_line(report))?;
    let found: Vec<String> = report
        .summary
        .by_severity
        .iter()
        .rev()
        .map(|(&severity, n)| {
            let color = style(severity);
            format!("{color}{n} {severity}{color:#}")
        })
        .collect();
    if found.is_empty() {
        writeln!(out, "{BOLD}No findings.{BOLD:#}")?;
    } else {
        let total = report.findings.len() as u64;
        writeln!(
            out,
            "{BOLD}{}{BOLD:#}: {}",
            count(total, "finding"),
            found.join(", ")
        )?;
    }
    if let Some(database) = &report.database {
        let kind = match database.kind {
            DatabaseKind::Starter => "starter set",
            DatabaseKind::Full => "database",
        };
        let updated = database.updated.as_deref().unwrap_or("an unknown day");
        let day = updated.get(..10).unwrap_or(updated);
        writeln!(
            out,
            "{DIM}{kind} of {} advisories, as of {day}{DIM:#}",
            database.advisories
        )?;
    }
    Ok(())
}

fn components_line(report: &Report) -> String {
    let shipped = report
        .packages
        .iter()
        .filter(|c| c.scope == Scope::Shipped)
        .count();
    let open = report
        .packages
        .iter()
        .filter(|c| c.version.is_none())
        .count();
    let total = report.packages.len();
    let mut line = format!(
        "{}: {shipped} shipped, {} only declared",
        count(total as u64, "component"),
        total - shipped
    );
    if open > 0 {
        line += &format!("; {open} without an exact version, not matched with advisories");
    }
    line
}

fn count(n: u64, what: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{n} {what}{s}")
}

/// Decimal units, as deployment limits and file managers use them.
fn bytes(n: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if n < 1000 {
        return format!("{n} bytes");
    }
    let mut value = n as f64 / 1000.0;
    let mut unit = 0;
    while value >= 999.95 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_well() {
        for (n, text) in [
            (0, "0 bytes"),
            (999, "999 bytes"),
            (1000, "1.0 kB"),
            (999_949, "999.9 kB"),
            (999_950, "1.0 MB"),
            (262_144_000, "262.1 MB"),
            (u64::MAX, "18446744.1 TB"),
        ] {
            assert_eq!(bytes(n), text);
        }
    }
}
