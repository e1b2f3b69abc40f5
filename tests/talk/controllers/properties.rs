//! Whatever happens: counters add up, nothing survives its owner, and a world with one seed takes one course.
