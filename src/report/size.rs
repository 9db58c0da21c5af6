//! Sizes for people: what takes how much, as a tree with bars, whether it fits, and what to leave out.

use std::collections::HashMap;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::Report;
use super::table::{BOLD, DIM, count, shortened, write_artifact, write_errors, write_structure};
use crate::finding::Finding;
use crate::size::platform::{self, Measure};
use crate::size::{Amount, ComponentSize, LimitUse, Plan, PlanItem, Sizes};
use crate::text::size;

/// Cells of a bar that stands for all of it.
const BAR: usize = 20;
/// Rows of a list that are shown, unless all are asked for.
const FEW_FILES: usize = 5;
const FEW_DUPLICATES: usize = 5;
const FEW_PATTERNS: usize = 3;
const FEW_CHANGES: usize = 10;
/// What takes less than this part of the whole is counted and not shown.
const SMALL_PERCENT: u64 = 1;
/// A tree is shown to this depth at most: hostile ones have no end.
const MAX_DEPTH: usize = 20;

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default();
const NEAR: Style = AnsiColor::Yellow.on_default();

/// Writes all sizes of the report. `verbose` leaves nothing out.
pub fn write(report: &Report, verbose: bool, out: &mut dyn Write) -> io::Result<()> {
    let mut artifacts = report.artifacts.iter();
    for sizes in &report.sizes {
        for artifact in artifacts.by_ref().take(sizes.artifacts.len()) {
            write_artifact(artifact, out)?;
        }
        write_limits(sizes, out)?;
        writeln!(out)?;
        write_tree(sizes, verbose, out)?;
        write_files(sizes, verbose, out)?;
        write_duplicates(sizes, verbose, out)?;
        write_growth(sizes, verbose, out)?;
        write_plan(sizes, verbose, out)?;
    }
    let findings: Vec<&Finding> = report.findings.iter().collect();
    if !findings.is_empty() {
        write_structure(&findings, verbose, out)?;
        writeln!(out)?;
    }
    write_errors(report, verbose, out)
}

fn write_limits(sizes: &Sizes, out: &mut dyn Write) -> io::Result<()> {
    let runtime = match &sizes.runtime {
        Some(runtime) => format!(", {runtime}"),
        None => String::new(),
    };
    let Some(platform) = sizes.platform.and_then(platform::named) else {
        return writeln!(
            out,
            "  {DIM}no platform is known{runtime}: --platform names it and so its limits{DIM:#}"
        );
    };
    writeln!(out, "  for {}{runtime}", platform.title)?;
    if platform.limits.is_empty() {
        writeln!(out, "  {DIM}which states no limit for the size{DIM:#}")?;
    }
    for used in &sizes.limits {
        write_limit(used, sizes.artifacts.len() > 1, out)?;
    }
    Ok(())
}

fn write_limit(used: &LimitUse, names_artifact: bool, out: &mut dyn Write) -> io::Result<()> {
    let percent = u128::from(used.used) * 100 / u128::from(used.limit.max(1));
    let color = match percent {
        _ if used.used > used.limit => BAD,
        90.. => NEAR,
        _ => GOOD,
    };
    let (unit, over) = match used.measure {
        Measure::Layers => ("", String::new()),
        _ if used.used > used.limit => (" bytes", format!(", over by {}", used.used - used.limit)),
        _ => (" bytes", String::new()),
    };
    let artifact = match &used.artifact {
        Some(artifact) if names_artifact => format!(": {artifact}"),
        _ => String::new(),
    };
    writeln!(
        out,
        "  {color}{} of {}{unit}{color:#} {}{artifact}  {color}{percent} %{over}{color:#}",
        used.used, used.limit, used.what
    )
}

/// The packages, each with those that it alone needs below it.
struct Tree<'a> {
    rows: &'a [ComponentSize],
    below: HashMap<Option<usize>, Vec<usize>>,
    total: u64,
    least: u64,
}

impl<'a> Tree<'a> {
    fn of(sizes: &'a Sizes, verbose: bool) -> Self {
        let rows = &sizes.components;
        let by_purl: HashMap<&str, usize> = rows
            .iter()
            .enumerate()
            .map(|(index, row)| (row.purl.as_str(), index))
            .collect();
        let mut below: HashMap<Option<usize>, Vec<usize>> = HashMap::new();
        for (index, row) in rows.iter().enumerate() {
            let above = row.only_for.as_ref();
            let above = above.and_then(|purl| by_purl.get(purl.as_str()).copied());
            below.entry(above).or_default().push(index);
        }
        let bytes = |index: usize| with_needed(&rows[index]).unpacked_bytes;
        for rows in below.values_mut() {
            rows.sort_by_key(|&index| (std::cmp::Reverse(bytes(index)), index));
        }
        let total = sizes.total.unpacked_bytes;
        Tree {
            rows,
            below,
            total,
            least: if verbose {
                0
            } else {
                total / 100 * SMALL_PERCENT
            },
        }
    }

    fn write(
        &self,
        above: Option<usize>,
        indent: &str,
        depth: usize,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let Some(below) = self.below.get(&above).filter(|_| depth < MAX_DEPTH) else {
            return Ok(());
        };
        let bytes = |index: &usize| with_needed(&self.rows[*index]).unpacked_bytes;
        let shown = below
            .iter()
            .take_while(|index| bytes(index) >= self.least)
            .count();
        // One is shown rather than counted.
        let shown = if shown + 1 == below.len() {
            below.len()
        } else {
            shown
        };
        let (shown, small) = below.split_at(shown);
        for (at, &index) in shown.iter().enumerate() {
            let is_last = at + 1 == shown.len() && small.is_empty() && above.is_some();
            let row = &self.rows[index];
            let (branch, further) = if is_last {
                ("└─ ", "   ")
            } else {
                ("├─ ", "│  ")
            };
            let version = row.version.as_deref().unwrap_or("(unknown)");
            let all = with_needed(row);
            let alone = match all.files == row.amount.files {
                true => String::new(),
                false => format!(
                    "  {DIM}{} of its own{DIM:#}",
                    size(row.amount.unpacked_bytes)
                ),
            };
            let label = format!(
                "{indent}{branch}{BOLD}{}{BOLD:#} {version}{alone}",
                row.name
            );
            write_row(all, self.total, &label, out)?;
            self.write(Some(index), &format!("{indent}{further}"), depth + 1, out)?;
        }
        if !small.is_empty() {
            let mut rest = Amount::default();
            for &index in small {
                rest.unpacked_bytes += bytes(&index);
            }
            let branch = if above.is_some() {
                "└─ "
            } else {
                "├─ "
            };
            let label = format!("{indent}{branch}{DIM}{} more{DIM:#}", small.len());
            write_row(&rest, self.total, &label, out)?;
        }
        Ok(())
    }
}

fn with_needed(row: &ComponentSize) -> &Amount {
    row.with_needed.as_ref().unwrap_or(&row.amount)
}

fn write_tree(sizes: &Sizes, verbose: bool, out: &mut dyn Write) -> io::Result<()> {
    let total = sizes.total.unpacked_bytes;
    let label = format!("{BOLD}all{BOLD:#}, {}", count(sizes.total.files, "file"));
    write_row(&sizes.total, total, &label, out)?;
    Tree::of(sizes, verbose).write(None, "", 0, out)?;
    write_row(&sizes.own_files, total, "└─ files of no package", out)?;
    writeln!(out)
}

fn write_row(amount: &Amount, total: u64, label: &str, out: &mut dyn Write) -> io::Result<()> {
    let bytes = u128::from(amount.unpacked_bytes);
    let whole = u128::from(total.max(1));
    let cells = usize::try_from(bytes * BAR as u128 / whole)
        .unwrap_or(BAR)
        .min(BAR);
    let bar = "█".repeat(cells) + &"░".repeat(BAR - cells);
    let percent = bytes * 100 / whole;
    writeln!(
        out,
        "{:>11}  {DIM}{bar}{DIM:#} {percent:>3} %  {label}",
        size(amount.unpacked_bytes)
    )
}

fn write_files(sizes: &Sizes, verbose: bool, out: &mut dyn Write) -> io::Result<()> {
    let files = &sizes.largest_files;
    let few = if verbose {
        files.len()
    } else {
        FEW_FILES.min(files.len())
    };
    if few == 0 {
        return Ok(());
    }
    writeln!(out, "{BOLD}largest files{BOLD:#}")?;
    for file in &files[..few] {
        let path = inside(&file.path, sizes, verbose);
        writeln!(out, "{:>11}  {path}", size(file.unpacked_bytes))?;
    }
    writeln!(out)
}

/// The path within the artifact, if there is only one.
fn inside(path: &str, sizes: &Sizes, verbose: bool) -> String {
    if verbose {
        return path.to_owned();
    }
    let artifact = match &sizes.artifacts[..] {
        [only] => path.strip_prefix(only.as_str()),
        _ => None,
    };
    let within = artifact.map(|rest| rest.trim_start_matches(['!', '/']));
    shortened(within.unwrap_or(path))
}

fn write_duplicates(sizes: &Sizes, verbose: bool, out: &mut dyn Write) -> io::Result<()> {
    let packages = &sizes.duplicates.packages;
    let files = &sizes.duplicates.files;
    if packages.is_empty() && files.is_empty() {
        return Ok(());
    }
    let few = |len: usize| {
        if verbose {
            len
        } else {
            FEW_DUPLICATES.min(len)
        }
    };
    writeln!(out, "{BOLD}more than once{BOLD:#}")?;
    for package in &packages[..few(packages.len())] {
        writeln!(
            out,
            "{:>11}  {} {}, in {}",
            size(package.unpacked_bytes),
            package.name,
            package.versions.join(", "),
            count(package.places as u64, "place")
        )?;
    }
    for file in &files[..few(files.len())] {
        let first = file.paths.first().map(String::as_str);
        let path = inside(first.unwrap_or_default(), sizes, verbose);
        let bytes = file.unpacked_bytes * file.count as u64;
        writeln!(
            out,
            "{:>11}  {path} {DIM}and {} with the same content{DIM:#}",
            size(bytes),
            file.count - 1
        )?;
    }
    let hidden = packages.len() - few(packages.len()) + files.len() - few(files.len());
    if hidden > 0 {
        writeln!(
            out,
            "{:13}{DIM}and {hidden} more; -v lists them all{DIM:#}",
            ""
        )?;
    }
    writeln!(out)
}

fn write_growth(sizes: &Sizes, verbose: bool, out: &mut dyn Write) -> io::Result<()> {
    let Some(growth) = &sizes.growth else {
        return Ok(());
    };
    let difference = |before: u64, now: u64| match now.checked_sub(before) {
        Some(grown) => format!("+{}", size(grown)),
        None => format!("-{}", size(before - now)),
    };
    let total = &growth.total;
    writeln!(
        out,
        "{BOLD}since the earlier report{BOLD:#}, from {} to {} bytes",
        total.before_bytes, total.now_bytes
    )?;
    writeln!(
        out,
        "{:>11}  all",
        difference(total.before_bytes, total.now_bytes)
    )?;
    let changes = &growth.components;
    let few = if verbose {
        changes.len()
    } else {
        FEW_CHANGES.min(changes.len())
    };
    for change in &changes[..few] {
        let name = change.name.as_deref().unwrap_or_default();
        writeln!(
            out,
            "{:>11}  {name}",
            difference(change.before_bytes, change.now_bytes)
        )?;
    }
    if few < changes.len() {
        writeln!(
            out,
            "{:13}{DIM}and {} more; -v lists them all{DIM:#}",
            "",
            changes.len() - few
        )?;
    }
    writeln!(out)
}

fn write_plan(sizes: &Sizes, verbose: bool, out: &mut dyn Write) -> io::Result<()> {
    let Plan {
        items, safe, total, ..
    } = &sizes.plan;
    if items.is_empty() {
        writeln!(out, "nothing in it is known to be of no use")?;
        return writeln!(out);
    }
    writeln!(
        out,
        "{BOLD}what to leave out{BOLD:#}: {} bytes, {} of them without trying it first",
        total.unpacked_bytes, safe.unpacked_bytes
    )?;
    for item in items {
        write_item(item, sizes.artifacts.len() > 1, verbose, out)?;
    }
    writeln!(
        out,
        "{:13}what remains is {} bytes",
        "", sizes.plan.remaining_bytes
    )?;
    writeln!(out, "{:13}{DIM}leave out {}{DIM:#}", "", sizes.plan.setting)?;
    let symbols = &sizes.symbols;
    if symbols.unpacked_bytes > 0 {
        writeln!(
            out,
            "{:13}{DIM}`strip --strip-unneeded` would take about {} more from {}{DIM:#}",
            "",
            size(symbols.unpacked_bytes),
            count(symbols.files, "native file")
        )?;
    }
    writeln!(out)
}

fn write_item(
    item: &PlanItem,
    names_artifact: bool,
    verbose: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    use crate::size::Safety;
    let tried = match item.certainty {
        Safety::Safe => String::new(),
        Safety::Check => format!("  {NEAR}try it first{NEAR:#}"),
    };
    let artifact = if names_artifact {
        format!(", in {}", shortened(&item.artifact))
    } else {
        String::new()
    };
    writeln!(
        out,
        "{:>11}  {}{artifact}  {DIM}{}{DIM:#}{tried}",
        size(item.saves.unpacked_bytes),
        item.what,
        count(item.saves.files, "file")
    )?;
    let few = if verbose {
        item.patterns.len()
    } else {
        FEW_PATTERNS.min(item.patterns.len())
    };
    let (shown, hidden) = item.patterns.split_at(few);
    let more = match hidden.len() {
        0 => String::new(),
        n => format!("  and {n} more; -v lists them all"),
    };
    writeln!(out, "{:13}{DIM}{}{more}{DIM:#}", "", shown.join("  "))?;
    if !item.at_build.is_empty() {
        writeln!(out, "{:13}{DIM}or {}{DIM:#}", "", item.at_build)?;
    }
    Ok(())
}
