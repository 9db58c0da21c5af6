//! Progress on standard error, only where that is a terminal.

use std::io::{IsTerminal, stderr};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A line that counts bytes; hidden where nobody sees it.
pub fn bytes(message: &str, quiet: bool) -> ProgressBar {
    if quiet || !stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("{spinner} {msg}  {decimal_bytes} ({decimal_bytes_per_sec})")
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
    let bar = ProgressBar::new_spinner()
        .with_style(style)
        .with_message(message.to_owned());
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}
