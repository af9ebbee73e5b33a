//! The FHIR interface as clients see it.

#[cfg(test)]
mod history;
#[cfg(test)]
mod instances;
#[cfg(test)]
mod terminology;
