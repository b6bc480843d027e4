// Filled by the files of this module.
