//! Files of strangers, whole, broken, in pieces and cut.
