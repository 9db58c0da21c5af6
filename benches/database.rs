//! An advisory database of the size that OSV's npm export has today.
//!
//! `cargo bench --bench database -- --write DIR` writes the export that it is made from: 250,000 made-up
//! records, and the real ones of the export in the folder `osv` of `FNAUDIT_SHARED`, where that is set.

mod generate;

use std::path::{Path, PathBuf};
use std::time::Instant;

const RECORDS: usize = 250_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
    if args.next().as_deref() == Some("--write") {
        write(Path::new(&args.next().ok_or("--write needs a folder")?))?;
    }
    Ok(())
}

fn write(dir: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let real = std::env::var_os("FNAUDIT_SHARED").map(|shared| PathBuf::from(shared).join("osv"));
    let started = Instant::now();
    let made = generate::write_export(dir, RECORDS, real.as_deref())?;
    println!(
        "{} made-up records, {:.1} MB of JSON, in {:.1} s",
        made.names.len(),
        made.bytes as f64 / 1e6,
        started.elapsed().as_secs_f64()
    );
    Ok(())
}
