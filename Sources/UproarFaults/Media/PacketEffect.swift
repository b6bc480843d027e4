import UproarCore

/// What a fault does to packets: frames of a call, or datagrams.
package enum PacketEffect: Hashable, Sendable {
    case loss(Concealment)
    case burstLoss(GilbertElliott, Concealment)
    /// Later by a draw for each. Frames of a call keep their order.
    case delay(Distribution)
    /// Later by this, so that those behind overtake it.
    case late(Duration)
    case duplicate
    /// One byte in it is another.
    case corrupt
    /// No more than so many bytes a second; what would wait longer than `queue` is lost.
    case rate(bytesPerSecond: Double, queue: Duration)
    /// What is heard is changed. For frames alone.
    case sound(SoundDefect)
}

/// What stands in for a frame that was lost.
package enum Concealment: String, CaseIterable, Hashable, Sendable {
    /// Silence of the same length, as a gateway's jitter buffer makes it.
    case silence
    /// Nothing: what comes behind it moves up.
    case none
}

package enum SoundDefect: Hashable, Sendable {
    case gain(Double)
    /// Louder than the samples can hold.
    case clipping(Double)
    case silence
    /// Made in another form than both sides have agreed on.
    case mismatch(AudioEncoding, rate: Hertz?)
}

/// Loss in bursts (Gilbert 1960, Elliott 1963): a good and a bad state, each with its own loss.
///
/// With `enter` 1 %, `leave` 25 %, loss 0 and 100 %: bursts of 4 packets on average, 3.8 % lost in all.
package struct GilbertElliott: Hashable, Sendable {
    /// From good to bad, for each packet.
    package var enter: Chance
    /// From bad to good.
    package var leave: Chance
    package var goodLoss: Chance
    package var badLoss: Chance

    package init(enter: Chance, leave: Chance, goodLoss: Chance, badLoss: Chance) {
        self.enter = enter
        self.leave = leave
        self.goodLoss = goodLoss
        self.badLoss = badLoss
    }

    /// One packet: the state moves, then decides.
    func loses(_ isBad: inout Bool, _ random: inout RandomStream) -> Bool {
        let moves = (isBad ? leave : enter).draw(&random)
        if moves { isBad.toggle() }
        return (isBad ? badLoss : goodLoss).draw(&random)
    }
}
