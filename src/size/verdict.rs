//! Whether a deployment fits its platform.

use super::platform::{Limit, Measure};
use super::rules;
use super::{Amount, Deployment, LimitUse, Plan};
use crate::artifact::Artifact;
use crate::assess::fingerprint;
use crate::finding::{EntryPath, Finding, Location, Severity};
use crate::text::size;

/// From this part of a limit on it is said that it is near.
const NEAR_PERCENT: u64 = 90;

/// How much of each limit of the platform is used.
pub fn limits(deployment: &Deployment, total: &Amount) -> Vec<LimitUse> {
    let platform = deployment.platform.into_iter();
    let limits = platform.flat_map(|platform| platform.limits);
    limits
        .flat_map(|limit| uses(limit, deployment, total))
        .collect()
}

fn uses(limit: &'static Limit, deployment: &Deployment, total: &Amount) -> Vec<LimitUse> {
    let row = |artifact: Option<&Artifact>, used: u64| LimitUse {
        measure: limit.measure,
        artifact: artifact.map(|artifact| artifact.path.clone()),
        what: limit.what,
        limit: limit.most,
        used,
        source: limit.source,
        checked: limit.checked,
    };
    let artifacts = deployment.artifacts;
    let archives = || artifacts.iter().filter(|a| a.packed_bytes.is_some());
    match (limit.measure, deployment.is_image()) {
        (Measure::Unpacked, false) => vec![row(None, total.unpacked_bytes)],
        (Measure::Image, true) => {
            let bytes = artifacts.iter().map(|artifact| artifact.unpacked_bytes);
            vec![row(None, bytes.sum())]
        }
        (Measure::Upload, false) => archives()
            .map(|artifact| row(Some(artifact), artifact.packed_bytes.unwrap_or_default()))
            .collect(),
        (Measure::Packed, false) => {
            let function = archives().take(1);
            function
                .map(|artifact| row(None, artifact.packed_bytes.unwrap_or_default()))
                .collect()
        }
        (Measure::Layers, false) if artifacts.len() > 1 => {
            vec![row(None, artifacts.len() as u64 - 1)]
        }
        _ => Vec::new(),
    }
}

/// What is over a limit, or near it.
pub fn findings(deployment: &Deployment, limits: &[LimitUse], plan: &Plan) -> Vec<Finding> {
    let found = limits
        .iter()
        .filter_map(|used| finding(deployment, used, plan));
    found.collect()
}

fn finding(deployment: &Deployment, used: &LimitUse, plan: &Plan) -> Option<Finding> {
    let on = deployment.platform?;
    let is_over = used.used > used.limit;
    // Neither a full number of layers nor an upload that still goes through is worth a word.
    let is_near = u128::from(used.used) * 100 >= u128::from(used.limit) * u128::from(NEAR_PERCENT)
        && !matches!(used.measure, Measure::Layers | Measure::Upload);
    let rule = match (is_over, is_near) {
        (true, _) => &rules::LIMIT,
        (false, true) => &rules::NEAR_LIMIT,
        _ => return None,
    };
    let path = match &used.artifact {
        Some(artifact) => artifact,
        None => &deployment.artifacts.first()?.path,
    };
    let title = match used.measure {
        Measure::Layers => format!(
            "Over the limit of {}: {} layers, where {} are allowed",
            on.title, used.used, used.limit
        ),
        _ if is_over => format!(
            "Over the limit of {} by {} bytes: {} {}, where {} are allowed",
            on.title,
            used.used - used.limit,
            used.used,
            used.what,
            used.limit
        ),
        _ => format!(
            "Near the limit of {}: {} of {} bytes {}, {} % of it",
            on.title,
            used.used,
            used.limit,
            used.what,
            u128::from(used.used) * 100 / u128::from(used.limit)
        ),
    };
    let stated = on.limits.iter().find(|l| l.measure == used.measure)?;
    let remedy = match used.measure {
        Measure::Unpacked | Measure::Packed if is_over => over(used, plan, on.way_out),
        _ => stated.remedy.to_owned(),
    };
    let measure = used.what;
    // Not where the artifact lies, but which of several it is.
    let which = deployment.artifacts.iter().position(|a| a.path == *path);
    let which = which.unwrap_or_default().to_string();
    let location = Location::from(EntryPath::new(&"".into(), path));
    Some(Finding {
        severity: match used.measure {
            // It goes another way.
            Measure::Upload => Severity::Low,
            _ => rule.severity,
        },
        remedy,
        ..Finding::of(
            rule,
            title,
            vec![location],
            fingerprint(rule.id, &[on.name, measure, &which]),
        )
    })
}

/// What the plan does about a limit.
fn over(used: &LimitUse, plan: &Plan, way_out: &str) -> String {
    let saved = |amount: &Amount| match used.measure {
        Measure::Packed => amount.packed_bytes.unwrap_or_default(),
        _ => amount.unpacked_bytes,
    };
    let fits = |saved: u64| used.used.saturating_sub(saved) <= used.limit;
    let (safe, all) = (saved(&plan.safe), saved(&plan.total));
    if fits(safe) {
        format!(
            "leave out what never runs: `fnaudit size` lists {}, more than the {} that it takes",
            size(safe),
            size(used.used - used.limit)
        )
    } else if fits(all) {
        format!(
            "`fnaudit size` lists {} to leave out, of which {} are to be tried first, more than the {} that it takes",
            size(all),
            size(all - safe),
            size(used.used - used.limit)
        )
    } else if all > 0 {
        format!(
            "`fnaudit size` lists {} to leave out, which is not enough; what remains is {way_out}",
            size(all)
        )
    } else {
        format!("nothing in it is known to be of no use; what remains is {way_out}")
    }
}
