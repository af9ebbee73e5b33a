//! The FHIR interface as clients see it.

#[cfg(test)]
mod bundles;
#[cfg(test)]
mod conditional;
#[cfg(test)]
mod conditional_bundles;
#[cfg(test)]
mod history;
#[cfg(test)]
mod instances;
#[cfg(test)]
mod parameters;
#[cfg(test)]
mod search;
#[cfg(test)]
mod terminology;
