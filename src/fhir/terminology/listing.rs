//! The codes of a value set as a search compares with them.

use super::evaluate::{Evaluation, Versions};
use super::fault::Fault;
use super::library::Library;
use super::value_set::ValueSet;

/// The codes of a value set by code system, in the order of its definition; not those that only group others. More
/// than `most` are too many, and a code system that is not installed whole is a fault: a search that is compared with a
/// part of the codes would look like one that found everything.
pub fn listing(library: &Library, set: &ValueSet, most: usize) -> Result<Vec<(String, Vec<String>)>, Fault> {
    let versions = Versions::default();
    let evaluation = Evaluation::new(library, &versions);
    let entries = evaluation.codes(set)?;
    let name = || set.url.as_deref().unwrap_or("the value set").to_owned();
    if evaluation.is_partial() {
        return Err(Fault::Partial(name()));
    }
    if entries.len() > most {
        return Err(Fault::TooCostly { value_set: name(), most });
    }
    let mut systems: Vec<(String, Vec<String>)> = Vec::new();
    for entry in entries.iter().filter(|entry| !entry.is_abstract) {
        match systems.iter_mut().find(|(system, _)| system == entry.system) {
            Some((_, codes)) => codes.push(entry.code.to_owned()),
            None => systems.push((entry.system.to_owned(), vec![entry.code.to_owned()])),
        }
    }
    Ok(systems)
}
