//! `setup.cfg` of setuptools, `[options] install_requires`:
//! <https://setuptools.pypa.io/en/latest/userguide/declarative_config.html>.

use crate::component::Evidence;
use crate::finding::Location;
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::owner;

use super::pep508;

pub struct SetupCfg;

impl Inspector for SetupCfg {
    fn wants(&self, header: &Header) -> bool {
        header.path.file_name() == "setup.cfg" && owner::is_owners(header.path)
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let mut result = Ok(());
        for (line, asked) in install_requires(entry.text()?) {
            match pep508::parse(asked) {
                Ok(Some(requirement)) => {
                    let location = Location::at_line(entry.path, line);
                    seen.components
                        .push(requirement.into_component(Evidence::Declared, location));
                }
                Ok(None) => {}
                Err(_) if result.is_ok() => {
                    result = Err(Unreadable::at(line as usize, "is not a requirement"));
                }
                Err(_) => {}
            }
        }
        result
    }
}

/// The items of `install_requires`, which stand on lines of their own below the key, or beside it with `;` between them.
fn install_requires(text: &str) -> Vec<(u32, &str)> {
    let mut items = Vec::new();
    let mut is_in_options = false;
    let mut is_in_value = false;
    for (line, number) in text.lines().zip(1..) {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if line.starts_with([' ', '\t']) {
            if is_in_value {
                items.push((number, trimmed));
            }
            continue;
        }
        is_in_value = false;
        if let Some(section) = trimmed.strip_prefix('[') {
            is_in_options = section.trim_end_matches(']') == "options";
        } else if let Some((key, value)) = trimmed.split_once(['=', ':'])
            && is_in_options
            && matches!(key.trim_end(), "install_requires" | "install-requires")
        {
            is_in_value = true;
            // `file: requirements.txt` refers to a file that is read by itself.
            if !value.trim_start().starts_with("file:") {
                let inline = value
                    .split(';')
                    .map(str::trim)
                    .filter(|item| !item.is_empty());
                items.extend(inline.map(|item| (number, item)));
            }
        }
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::testing::{inspect, rows};

    #[test]
    fn lists_what_the_project_needs_to_run() {
        let text = "\
[metadata]
name = me
install_requires = nothing

[options]
packages = find:
install_requires =
    alpha==1.0; python_version < '3'
    # a comment

    beta >= 1.0, <2
python_requires = >=3.6

[options.extras_require]
install_requires =
    gamma
";
        let seen = inspect(&SetupCfg, "setup.cfg", text).unwrap();
        assert_eq!(
            rows(&seen),
            [
                "alpha 1.0 declared setup.cfg:8",
                "beta ~>=1.0,<2 declared setup.cfg:11",
            ]
        );
    }

    #[test]
    fn items_may_stand_on_one_line() {
        let text = "[options]\ninstall_requires = alpha==1.0; beta\n";
        let seen = inspect(&SetupCfg, "setup.cfg", text).unwrap();
        assert_eq!(
            rows(&seen),
            [
                "alpha 1.0 declared setup.cfg:2",
                "beta ~* declared setup.cfg:2"
            ]
        );
    }

    #[test]
    fn a_reference_to_a_file_is_no_requirement() {
        let text = "[options]\ninstall_requires = file: requirements.txt\n";
        assert!(rows(&inspect(&SetupCfg, "setup.cfg", text).unwrap()).is_empty());
    }
}
