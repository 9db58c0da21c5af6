//! Progress on standard error, only where that is a terminal.

use std::io::{IsTerminal, stderr};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A line that counts bytes; hidden where nobody sees it.
pub fn bytes(message: &str, quiet: bool) -> ProgressBar {
    if quiet || !stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner()
        .with_style(style(
            "{spinner} {msg}  {decimal_bytes} ({decimal_bytes_per_sec})",
        ))
        .with_message(message.to_owned());
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

/// A line that tells what is done, and counts bytes where it is a download; hidden where nobody sees it.
pub fn download(quiet: bool) -> ProgressBar {
    let bar = bytes("looking for what is new", quiet);
    bar.set_style(style("{spinner} {msg}"));
    bar
}

/// Begins to count the bytes of a download, of how many where that is known.
pub fn start(bar: &ProgressBar, message: &str, bytes: u64, total: Option<u64>) {
    bar.set_style(style(match total {
        Some(_) => {
            "{spinner} {msg}  {decimal_bytes} of {decimal_total_bytes} ({decimal_bytes_per_sec}, {eta} left)"
        }
        None => "{spinner} {msg}  {decimal_bytes} ({decimal_bytes_per_sec})",
    }));
    bar.set_message(message.to_owned());
    match total {
        Some(total) => bar.set_length(total),
        None => bar.unset_length(),
    }
    bar.set_position(bytes);
    bar.reset_eta();
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}
