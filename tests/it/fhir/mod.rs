//! The FHIR interface as clients see it.

#[cfg(test)]
mod binary;
#[cfg(test)]
mod bundles;
#[cfg(test)]
mod conditional;
#[cfg(test)]
mod conditional_bundles;
#[cfg(test)]
mod docref;
#[cfg(test)]
mod everything;
#[cfg(test)]
mod history;
#[cfg(test)]
mod instances;
#[cfg(test)]
mod lastn;
#[cfg(test)]
mod meta;
#[cfg(test)]
mod packages;
#[cfg(test)]
mod parameters;
#[cfg(test)]
mod search;
#[cfg(test)]
mod subscriptions;
#[cfg(test)]
mod terminology;
#[cfg(test)]
mod validate;
