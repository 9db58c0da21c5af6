//! One advisory, for a person to read: `fnaudit db show`.

use std::collections::BTreeMap;
use std::io::{self, Write};

use anstyle::Style;

use crate::advisory::compiled::Advisory;
use crate::advisory::exploitation::Exploitation;
use crate::advisory::osv::{Affected, Prose, Range, Record};
use crate::advisory::severity;
use crate::text::visible;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
/// Lists of versions are long, and ranges say the same in fewer words.
const MAX_VERSIONS: usize = 20;

/// Writes what a record says. `json` is the record as its source wrote it.
pub fn write(
    json: &[u8],
    exploitation: &BTreeMap<String, Exploitation>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let record: Record = serde_json::from_slice(json)?;
    let prose: Prose = serde_json::from_slice(json)?;
    writeln!(out, "{BOLD}{}{BOLD:#}", visible(&record.id))?;
    if !record.summary.is_empty() {
        writeln!(out, "{}", visible(record.summary.trim()))?;
    }
    writeln!(out)?;
    if !prose.withdrawn.is_empty() {
        row(out, "withdrawn", &prose.withdrawn)?;
    }
    if !record.aliases.is_empty() {
        row(out, "aliases", &record.aliases.join(", "))?;
    }
    let whole = Advisory::new(&record, &record.affected.iter().collect::<Vec<_>>());
    let assessed = severity::assess(&whole);
    if let Some(severity) = assessed.severity {
        let score = assessed
            .score
            .map(|s| format!(" ({} {})", s.value, s.vector));
        row(
            out,
            "severity",
            &format!("{severity}{}", score.unwrap_or_default()),
        )?;
    }
    if !whole.weaknesses.is_empty() {
        row(out, "weaknesses", &whole.weaknesses.join(", "))?;
    }
    for (cve, known) in exploitation {
        if let Some(kev) = &known.kev {
            let ransomware = if kev.ransomware {
                ", by ransomware too"
            } else {
                ""
            };
            row(
                out,
                "exploited",
                &format!("{cve}, in CISA's list since {}{ransomware}", kev.added),
            )?;
        }
        if let Some(epss) = &known.epss {
            let (score, percentile) = (epss.score * 100.0, epss.percentile * 100.0);
            let text =
                format!("{cve}, {score:.1} % within 30 days (more than {percentile:.0} % of all)");
            row(out, "epss", &text)?;
        }
    }
    if !prose.published.is_empty() {
        row(out, "published", &prose.published)?;
    }
    row(out, "modified", &record.modified)?;
    for affected in &record.affected {
        write_affected(affected, out)?;
    }
    if !prose.details.trim().is_empty() {
        writeln!(out)?;
        for line in prose.details.trim().lines() {
            writeln!(out, "{}", visible(line.trim_end()))?;
        }
    }
    if !prose.references.is_empty() {
        writeln!(out)?;
    }
    for reference in &prose.references {
        let kind = reference.kind.to_ascii_lowercase();
        row(out, &kind, &reference.url)?;
    }
    Ok(())
}

fn write_affected(affected: &Affected, out: &mut dyn Write) -> io::Result<()> {
    let package = &affected.package;
    writeln!(out)?;
    let name = format!("{} {}", package.ecosystem, package.name);
    writeln!(out, "{BOLD}{}{BOLD:#}", visible(name.trim()))?;
    for range in &affected.ranges {
        row(out, &range.kind.to_ascii_lowercase(), &events(range))?;
    }
    if !affected.versions.is_empty() {
        let shown = affected.versions.len().min(MAX_VERSIONS);
        let mut text = affected.versions[..shown].join(", ");
        if let more @ 1.. = affected.versions.len() - shown {
            text += &format!(" and {more} more");
        }
        row(out, "versions", &text)?;
    }
    Ok(())
}

/// `from 1.0, fixed in 1.2`
fn events(range: &Range) -> String {
    let said = range.events.iter().flat_map(|event| {
        [
            ("from", &event.introduced),
            ("fixed in", &event.fixed),
            ("up to", &event.last_affected),
            ("below", &event.limit),
        ]
    });
    let said: Vec<String> = said
        .filter_map(|(word, version)| Some(format!("{word} {}", version.as_deref()?)))
        .collect();
    said.join(", ")
}

fn row(out: &mut dyn Write, name: &str, text: &str) -> io::Result<()> {
    writeln!(out, "{DIM}{:<10}{DIM:#}  {}", visible(name), visible(text))
}
