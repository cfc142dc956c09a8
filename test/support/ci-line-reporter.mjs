/** Prints the one line that a person and a CI both read: how many tests passed, failed, were skipped. */
export default class CiLineReporter {
  onRunComplete(_contexts, result) {
    const failed = result.numFailedTests + result.numRuntimeErrorTestSuites;
    const skipped = result.numPendingTests + result.numTodoTests;
    console.log(`${result.numPassedTests} passed, ${failed} failed, ${skipped} skipped`);
  }
}
