//! DICOMweb as its clients see it: every code of PS3.18 that can be had, and what viewers send.

#[cfg(test)]
mod capabilities;
#[cfg(test)]
mod help;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod rendered;
#[cfg(test)]
mod retrieve;
#[cfg(test)]
mod search;
#[cfg(test)]
mod store;
#[cfg(test)]
mod strangers;
#[cfg(test)]
mod wado_uri;
