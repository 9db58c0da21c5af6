//! Whether a link leads above the root of its bundle where other links of the bundle are followed on the way: `up/..` does,
//! where `up` is a link to the root.
//!
//! <https://man7.org/linux/man-pages/man7/path_resolution.7.html>

use std::collections::HashMap;

use crate::inspect::ObservedFile;

use super::links::leads_above;

/// Linux follows no more links of one path.
const MAX_LINKS: usize = 40;

/// Parts of paths that are looked at in all. Honest bundles have some thousands of links of some ten parts.
const MAX_PARTS: usize = 1_000_000;

/// No system follows longer paths.
const MAX_PATH: usize = 4096;

pub struct Links<'a> {
    targets: HashMap<&'a str, &'a str>,
    parts_left: usize,
}

impl<'a> Links<'a> {
    pub fn of(files: impl Iterator<Item = &'a ObservedFile>) -> Self {
        let links = files.filter(|file| !file.is_hard_link);
        let links = links.filter_map(|file| Some((file.path.inner(), file.link.as_deref()?)));
        Links {
            targets: links.collect(),
            parts_left: MAX_PARTS,
        }
    }

    /// Whether a path from that folder climbs above the root. One that comes to a link which leads out by itself does not:
    /// that link is told of.
    pub fn lead_above(&mut self, folder: &str, target: &str) -> bool {
        if folder.len() + target.len() > MAX_PATH {
            return false;
        }
        let mut place = String::new();
        let mut rest = Vec::new();
        self.follow(target, &mut rest);
        self.follow(folder, &mut rest);
        let mut followed = 0;
        while let Some(part) = rest.pop() {
            match part {
                "" | "." => continue,
                ".." if place.is_empty() => return true,
                ".." => {
                    leave(&mut place);
                    continue;
                }
                part => enter(&mut place, part),
            }
            let Some(&link) = self.targets.get(place.as_str()) else {
                continue;
            };
            leave(&mut place);
            followed += 1;
            let leads_out = link.starts_with('/') || leads_above(&place, link);
            let leads_out = leads_out || place.len() + link.len() > MAX_PATH;
            if leads_out || followed > MAX_LINKS || self.parts_left == 0 {
                return false;
            }
            self.follow(link, &mut rest);
        }
        false
    }

    /// Whether there were more parts than are looked at.
    pub fn are_too_many(&self) -> bool {
        self.parts_left == 0
    }

    /// Puts a path in front of what is left of another.
    fn follow<'p>(&mut self, path: &'p str, rest: &mut Vec<&'p str>) {
        let before = rest.len();
        rest.extend(path.split('/').rev());
        self.parts_left = self.parts_left.saturating_sub(rest.len() - before);
    }
}

fn enter(place: &mut String, part: &str) {
    if !place.is_empty() {
        place.push('/');
    }
    place.push_str(part);
}

fn leave(place: &mut String) {
    place.truncate(place.rfind('/').unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: [(&str, &str); 8] = [
        ("d/up", ".."),
        ("here", "."),
        ("deep", "x/y/z"),
        ("out", "/tmp"),
        ("above", ".."),
        ("loop", "loop"),
        ("a/one", "two"),
        ("a/two", "../d/up"),
    ];

    #[test]
    fn links_on_the_way_are_followed() {
        for (folder, target, expected) in [
            ("", "d/up/..", true),
            ("", "d/up/../etc/x", true),
            ("", "a/one/../x", true),
            ("here", "../x", true),
            ("d/up/d/up", "../x", true),
            ("", "d/up", false),
            ("", "d/up/x", false),
            ("", "d/up/d/..", false),
            ("", "here/here/x", false),
            ("deep", "../../../x", false),
            ("deep", "../../../../x", true),
            ("", "out/x", false),
            ("", "above/x", false),
            ("", "loop/../..", false),
            ("a", "../../x", true),
            ("a", "../x", false),
        ] {
            let mut links = Links {
                targets: ROWS.into_iter().collect(),
                parts_left: MAX_PARTS,
            };
            let found = links.lead_above(folder, target);
            assert_eq!(found, expected, "{folder} {target}");
        }
    }

    #[test]
    fn what_links_cost_is_bounded() {
        let long = "a/".repeat(2000);
        let mut links = Links {
            targets: [("a", long.as_str())].into_iter().collect(),
            parts_left: MAX_PARTS,
        };
        for _ in 0..1000 {
            assert!(!links.lead_above("", "a/a/a"));
        }
        assert_eq!(links.parts_left, 0);
    }
}
