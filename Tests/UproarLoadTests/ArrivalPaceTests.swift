import Testing
import UproarCore
import UproarLoad

@Suite("The pace of arrivals")
struct ArrivalPaceTests {
    func at(_ seconds: Int) -> Instant { .zero + .seconds(seconds) }

    @Test("Until somebody turns it, plan and clock are one to the nanosecond")
    func planned() {
        let pace = ArrivalPace()
        #expect(pace.isPlanned)
        #expect(pace.planTime(Instant(nanoseconds: 1_234_567_891)).nanoseconds == 1_234_567_891)
        #expect(pace.clockTime(Instant(nanoseconds: 1_234_567_891))?.nanoseconds == 1_234_567_891)
    }

    @Test(
        "Twice as fast from 10 s on: what was due at 30 s comes at 20 s; what was due before stays due"
    )
    func faster() {
        var pace = ArrivalPace()
        pace.set(200, at: at(10))
        #expect(pace.clockTime(at(30)) == at(20))
        #expect(pace.clockTime(at(10)) == at(10))
        #expect(pace.clockTime(at(4)) == at(10))
        #expect(pace.planTime(at(15)) == at(20))
    }

    @Test("A pause moves all that is to come by its length, and nothing comes while it lasts")
    func pause() {
        var pace = ArrivalPace()
        pace.set(0, at: at(10))
        #expect(pace.clockTime(at(11)) == nil)
        #expect(pace.clockTime(at(10)) == at(10))
        pace.set(100, at: at(17))
        #expect(pace.clockTime(at(11)) == at(18))
        #expect(pace.clockTime(at(60)) == at(67))
    }

    @Test("Plan and clock undo each other at every pace", arguments: [25, 50, 75, 125, 300, 400])
    func inverse(_ percent: Int) throws {
        var pace = ArrivalPace()
        pace.set(percent, at: at(3))
        for due in 4..<40 {
            let clock = try #require(pace.clockTime(at(due)))
            let error = (pace.planTime(clock) - at(due)).nanoseconds
            #expect(abs(error) <= 400)
        }
    }
}
