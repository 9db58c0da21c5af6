//! RubyGems: what Bundler locks, and what is installed.

mod gemfile;
mod gemfile_lock;
mod gemspec;
mod ruby;

use crate::inspect::Inspector;

pub const INSPECTORS: &[&dyn Inspector] = &[
    &gemspec::Gemspec,
    &gemfile_lock::GemfileLock,
    &gemfile::Gemfile,
];

/// Those that read a lock file.
pub const LOCKS: &[&dyn Inspector] = &[&gemfile_lock::GemfileLock];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::INSPECTORS;
    use crate::inventory::testing::{inspect_all, soup};

    const PATHS: &[&str] = &[
        "Gemfile",
        "Gemfile.lock",
        "gems.rb",
        "gems.locked",
        "ruby/gems/3.2.0/specifications/a-1.0.gemspec",
        "ruby/gems/3.2.0/gems/a-1.0/a.gemspec",
        "ruby/gems/3.2.0/bundler/gems/a-0123456789ab/a.gemspec",
    ];

    const PIECES: &[&str] = &[
        "\n",
        "\r\n",
        " ",
        "  ",
        "    ",
        "#",
        "\"",
        "'",
        ",",
        "(",
        ")",
        "-",
        "!",
        "GEM",
        "PATH",
        "GIT",
        "  specs:",
        "BUNDLED WITH",
        "a (1.0)",
        "(1.0-x86_64-linux)",
        "gem ",
        "gem 'a'",
        "'~> 1.0'",
        " do",
        "end",
        "group :test",
        "path: '.'",
        ".name = ",
        ".version = ",
        "Gem::Version.new",
        "# stub: ",
        "a 1.0 ruby lib",
        "1.0",
        "\u{feff}",
        "é",
        "\0",
    ];

    proptest! {
        #[test]
        fn no_bytes_do_harm(bytes in soup(PIECES)) {
            inspect_all(INSPECTORS, PATHS, &bytes);
        }
    }
}
