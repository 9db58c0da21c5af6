//! What is left of the versions of a package, as npm writes ranges.

/// Versions that follow one another. An end that is not there is open.
pub(super) struct Choice {
    pub from: Option<&'static str>,
    pub to: Option<End>,
}

pub(super) enum End {
    At(&'static str),
    Before(&'static str),
}

impl Choice {
    pub fn only(&self) -> Option<&'static str> {
        match (self.from, &self.to) {
            (Some(from), Some(End::At(to))) if from == *to => Some(from),
            _ => None,
        }
    }

    /// As npm writes it.
    pub fn range(&self) -> Option<String> {
        if let Some(only) = self.only() {
            return Some(format!("={only}"));
        }
        let from = self.from.map(|from| format!(">={from}"));
        let to = self.to.as_ref().map(|to| match to {
            End::At(to) => format!("<={to}"),
            End::Before(to) => format!("<{to}"),
        });
        let ends: Vec<String> = from.into_iter().chain(to).collect();
        (!ends.is_empty()).then(|| ends.join(" "))
    }
}
