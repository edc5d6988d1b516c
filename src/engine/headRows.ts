/** Rows of a screened head that are computed exactly: see docs/kernels.md. */
const ROWS = 3072;
/** Tokens of other scripts are many and alike. */
const ROWS_OF_SCRIPTS = 6144;

const OTHER_SCRIPT = /(?!\p{Script=Latin})\p{L}/u;

/** How many rows of a screened head to compute exactly for a text with any letters that are not Latin. */
export const rowsFor = (...texts: readonly string[]): number =>
  texts.some((text) => OTHER_SCRIPT.test(text)) ? ROWS_OF_SCRIPTS : ROWS;
