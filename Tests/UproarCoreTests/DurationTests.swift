import Testing
import UproarCore

@Suite struct DurationTests {
    /// Around the lengths at which another way of dividing takes over, and below zero.
    @Test(
        arguments: [0, 1, 8, 9, 10, 4_721, 4_722, 4_723, 100_000, -1, -9, -10, -5_000] as [Int64])
    func nanosecondsCutOffWhatIsBelowOne(_ seconds: Int64) {
        for nanoseconds in [0, 1, 223_372_036, 999_999_999] as [Int64] {
            let whole = Duration(
                secondsComponent: seconds, attosecondsComponent: nanoseconds * 1_000_000_000)
            #expect(whole.nanoseconds == seconds * 1_000_000_000 + nanoseconds)
        }
        let length = Duration(secondsComponent: seconds, attosecondsComponent: 0)
        guard seconds >= 0 else { return }
        for attoseconds in [1, 511, 512, 999_999_488, 999_999_999] as [Int64] {
            let longer = length + Duration(secondsComponent: 0, attosecondsComponent: attoseconds)
            #expect(longer.nanoseconds == seconds * 1_000_000_000)
        }
    }
}
