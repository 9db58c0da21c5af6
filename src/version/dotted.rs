//! Lists of integers, of which the longer is the greater where they begin alike: Hackage's versions
//! <https://hackage.haskell.org/package/Cabal-syntax/docs/Distribution-Types-Version.html> and those
//! of R packages, on CRAN and Bioconductor, where a hyphen separates as a dot does
//! <https://cran.r-project.org/doc/manuals/r-release/R-exts.html#The-DESCRIPTION-file>.

use super::number::Number;

/// `1.0` is before `1.0.0`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DottedVersion(Vec<Number>);

impl DottedVersion {
    pub fn parse(text: &str) -> Option<DottedVersion> {
        let numbers = text.trim().split(['.', '-']).map(Number::parse);
        numbers.collect::<Option<_>>().map(DottedVersion)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_ascending, assert_equal, assert_refused};
    use super::*;

    #[test]
    fn orders_number_by_number() {
        assert_ascending(
            DottedVersion::parse,
            &[
                "0.9",
                "1",
                "1.0",
                "1.0.0",
                "1.0-1",
                "1.0.1.1",
                "1.2",
                "1.10",
                "2012.4-4",
                "2012.4-18446744073709551616",
            ],
        );
        assert_equal(DottedVersion::parse, &[("1.0-1", "1.0.1"), ("1.01", "1.1")]);
        assert_refused(DottedVersion::parse, &["", "1.", "1..2", "1.a", "v1", "-1"]);
    }
}
