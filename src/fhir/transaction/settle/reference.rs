//! The references of a transaction: each link into the Bundle is replaced by where the resource is, each conditional
//! reference by what it finds, and then the patches are applied. R4 http.html#trules.

use std::collections::{BTreeSet, HashMap};

use crate::base::LogicalId;
use crate::fhir::Json;
use crate::fhir::patch::{PatchLimits, fhirpath_patch, json_patch};
use crate::fhir::reference::Target;
use crate::fhir::structure::path::expression;
use crate::fhir::transaction::links::{Base, Found, Links, Role};
use crate::fhir::transaction::pool::Pool;
use crate::fhir::transaction::rewrite::{Slot, walk};
use crate::fhir::transaction::{Action, Entry, Patch, in_resource, narrative};

use super::identity::Identities;
use super::{Fault, Reason, Settled};

/// Replaces all references in what is written.
pub(super) fn replace(
    entries: &[Entry],
    settled: &mut [Settled],
    links: &Links<'_>,
    identities: &Identities<'_>,
) -> Result<(), Fault> {
    // A FHIRPath Patch is rewritten itself, a JSON Patch by what comes out of it.
    let mut patches: Vec<Option<Json>> = vec![None; entries.len()];
    let mut conditional: Vec<usize> = Vec::new();
    for (place, entry) in entries.iter().enumerate() {
        let base = Base::of(entry.full_url.as_deref());
        let Some(Settled::Write { body, .. }) = settled.get_mut(place) else { continue };
        let has_more = match &entry.action {
            Action::Patch { patch: Patch::FhirPath(parameters), .. } => {
                let mut parameters = parameters.clone();
                let has_more = rewrite(entry.index, &mut parameters, links, base)?;
                if let Some(slot) = patches.get_mut(place) {
                    *slot = Some(parameters);
                }
                has_more
            }
            Action::Patch { .. } => false,
            _ => rewrite(entry.index, body, links, base)?,
        };
        if has_more {
            conditional.push(place);
        }
    }
    if !conditional.is_empty() {
        let targets = targets(entries, settled, identities);
        for place in conditional {
            let Some(entry) = entries.get(place) else { continue };
            let own = settled.get_mut(place).and_then(|settled| match settled {
                Settled::Write { body, .. } => Some(body),
                _ => None,
            });
            if let Some(body) = patches.get_mut(place).and_then(Option::as_mut).or(own) {
                resolve(entry.index, body, &targets)?;
            }
        }
    }
    for ((entry, settled), parameters) in entries.iter().zip(settled).zip(patches) {
        let (Action::Patch { patch, .. }, Settled::Write { body, .. }) = (&entry.action, settled) else { continue };
        apply(entry, patch, parameters.as_ref(), body, links)?;
    }
    Ok(())
}

/// Replaces the links of one resource. Says whether there are conditional references in it.
fn rewrite(index: usize, body: &mut Json, links: &Links<'_>, base: Base<'_>) -> Result<bool, Fault> {
    let mut dangling = None;
    let mut is_conditional = false;
    walk(body, &mut |text, slot, path| {
        let role = match slot {
            Slot::Narrative => {
                let link = |url: &str| match links.find(url, Role::Place, base) {
                    Found::Link(link) => Some(link),
                    Found::Nothing | Found::Dangling => None,
                };
                return match narrative::rewrite(text, link) {
                    Some(changed) => {
                        *text = changed;
                        true
                    }
                    None => false,
                };
            }
            Slot::Text(role) => role,
        };
        match links.find(text, role, base) {
            Found::Link(link) => {
                let is_changed = *text != link;
                *text = link;
                is_changed
            }
            Found::Dangling => {
                if dangling.is_none() {
                    let path = in_resource(index, &expression(path));
                    dangling = Some(Fault { path, reason: Reason::Dangling });
                }
                false
            }
            Found::Nothing => {
                is_conditional |= role == Role::Reference
                    && text.contains('?')
                    && matches!(Target::parse(text), Target::Conditional(..));
                false
            }
        }
    });
    dangling.map_or(Ok(is_conditional), Err)
}

/// What the conditions of the Bundle find after its creates and updates, by type and criteria.
fn targets(
    entries: &[Entry],
    settled: &[Settled],
    identities: &Identities<'_>,
) -> HashMap<(String, String), Vec<LogicalId>> {
    let conditions = identities.conditions();
    let types: BTreeSet<&str> = conditions.map(|(kind, _)| kind.as_str()).collect();
    let mut pool = Pool::new(identities.context);
    for (entry, settled) in entries.iter().zip(settled) {
        let is_asked = types.contains(entry.resource_type.as_str()) && !matches!(entry.action, Action::Patch { .. });
        if let (true, Settled::Write { id, body, .. }) = (is_asked, settled) {
            pool.add(&entry.resource_type, id, body);
        }
    }
    let keys = identities.conditions();
    keys.map(|(kind, text)| ((kind.clone(), text.clone()), identities.matching(kind, text, &pool))).collect()
}

/// Replaces the conditional references of one resource.
fn resolve(index: usize, body: &mut Json, targets: &HashMap<(String, String), Vec<LogicalId>>) -> Result<(), Fault> {
    let mut fault = None;
    walk(body, &mut |text, slot, path| {
        let Target::Conditional(kind, query) = Target::parse(text) else { return false };
        if slot != Slot::Text(Role::Reference) {
            return false;
        }
        let found = targets.get(&(kind.to_owned(), query.to_owned())).map(Vec::as_slice);
        let reason = match found {
            Some([id]) => {
                *text = format!("{kind}/{id}");
                return true;
            }
            Some([]) | None => Reason::NoTarget(text.clone()),
            Some(_) => Reason::ManyTargets(text.clone()),
        };
        fault.get_or_insert_with(|| Fault { path: in_resource(index, &expression(path)), reason });
        false
    });
    fault.map_or(Ok(()), Err)
}

/// Applies the patches of entries whose references stay as they are.
pub(super) fn patch_alone(entries: &[Entry], settled: &mut [Settled]) -> Result<(), Fault> {
    for (entry, settled) in entries.iter().zip(settled) {
        if let (Action::Patch { patch, .. }, Settled::Write { body, .. }) = (&entry.action, settled) {
            *body = patched(entry, patch, None, body)?;
        }
    }
    Ok(())
}

/// Applies a patch to what the store has, and replaces the links that it brought in.
fn apply(
    entry: &Entry,
    patch: &Patch,
    parameters: Option<&Json>,
    body: &mut Json,
    links: &Links<'_>,
) -> Result<(), Fault> {
    *body = patched(entry, patch, parameters, body)?;
    if matches!(patch, Patch::Json(_)) && rewrite(entry.index, body, links, Base::Here)? {
        return Err(Fault { path: in_resource(entry.index, ""), reason: Reason::ConditionalInPatch });
    }
    Ok(())
}

/// `parameters` stand for those of the patch, if they were rewritten.
fn patched(entry: &Entry, patch: &Patch, parameters: Option<&Json>, body: &Json) -> Result<Json, Fault> {
    let limits = PatchLimits::default();
    let patched = match patch {
        Patch::Json(patch) => json_patch::apply(body, patch, &limits),
        Patch::FhirPath(own) => fhirpath_patch::apply(body, parameters.unwrap_or(own), &limits),
    };
    patched.map_err(|error| Fault { path: in_resource(entry.index, ""), reason: Reason::Patch(error) })
}
