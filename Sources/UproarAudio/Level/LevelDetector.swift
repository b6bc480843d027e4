/// Says of each 10 ms whether somebody is heard, above a noise floor that it learns.
///
/// The floor is the least power of the last 1.6 s (never above −42 dBFS, so that speech without pauses does not raise it
/// without bound). A hop is voiced when it is 12 dB above the floor and above −55 dBFS; once voiced, 9 dB and −58 dBFS
/// suffice. A steady ambience below about −32 dBFS is therefore silence from its second 1.6 s on.
package struct LevelDetector: Sendable {
    package static let hop = Duration.milliseconds(10)

    private var minima = InlineArray<5, Float>(repeating: .infinity)
    private var slot = 0
    private var hopsInSlot = 0
    private var floor: Float = 0
    package private(set) var isVoiced = false

    package init() {}

    /// Mean square of full scale, 0 dBFS.
    private static let fullScale: Float = 32_768 * 32_768
    private static let loudestFloor = fullScale * 6.31e-5
    private static let onLevel = fullScale * 3.16e-6
    private static let offLevel = fullScale * 1.58e-6
    private static let hopsPerSlot = 32

    /// The mean square a hop must exceed to count as voiced now.
    package var limit: Float {
        isVoiced ? max(Self.offLevel, floor * 8) : max(Self.onLevel, floor * 16)
    }

    /// Takes the mean square of the next 10 ms.
    package mutating func heard(power: Float) -> Bool {
        isVoiced = power > limit
        minima[slot] = min(minima[slot], power)
        hopsInSlot += 1
        if hopsInSlot == Self.hopsPerSlot {
            hopsInSlot = 0
            slot = slot == 4 ? 0 : slot + 1
            minima[slot] = .infinity
            var least = Float.infinity
            for index in 0..<5 { least = min(least, minima[index]) }
            floor = min(least, Self.loudestFloor)
        } else if power < floor {
            floor = power
        }
        return isVoiced
    }
}
