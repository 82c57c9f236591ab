//! AMF0 values, read within a budget.
