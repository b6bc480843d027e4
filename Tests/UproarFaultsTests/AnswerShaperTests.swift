import Testing
import UproarCore
import UproarFaults

@Suite("What becomes of an answer's chunks")
struct AnswerShaperTests {
    func run(_ shape: AnswerShape, contents: [Int] = [0, 10, 10, 10, 0], every: Int = 100)
        -> [AnswerShaper.Step]
    {
        var shaper = AnswerShaper([(4, shape)], at: .zero, random: RandomStream(state: 1))
        return contents.enumerated().map {
            shaper.passing(content: $1, at: .zero + .milliseconds(every * $0))
        }
    }

    @Test("Positions count chunks with content, their bytes, or time")
    func positions() {
        let cut = AnswerShaper.Step.cut(.reset)
        #expect(run(.cut(after: .chunks(2), how: .reset)) == [.send, .send, .send, cut, .send])
        #expect(run(.cut(after: .bytes(15), how: .reset)) == [.send, .send, .send, cut, .send])
        #expect(
            run(.cut(after: .time(.milliseconds(200)), how: .reset))
                == [.send, .send, cut, cut, .send])
    }

    @Test("Each shape does its own thing, and a head or an end is left alone")
    func shapes() {
        #expect(run(.empty) == [.send, .sendEmptied, .sendEmptied, .sendEmptied, .send])
        #expect(
            run(.truncated(after: .chunks(1))) == [.send, .send, .sendEmptied, .sendEmptied, .send])
        #expect(
            run(.error(after: .chunks(1), ends: true))
                == [.send, .send, .sendError(ends: true), .send, .send])
        #expect(
            run(.keepAliveOnly(.seconds(1)))[1] == .keepAlive(every: .seconds(1)))
        #expect(run(.malformed(.badJSON))[1] == .sendMalformed(.badJSON))
        #expect(
            run(.stall(after: .chunks(1), for: nil)) == [.send, .send, .silence, .silence, .send])
    }

    @Test("A stall holds once, a pace each chunk until its own due time")
    func holds() {
        let stalled = run(.stall(after: .chunks(1), for: .seconds(3)))
        #expect(stalled[2] == .hold(until: .zero + .milliseconds(200) + .seconds(3)))
        #expect(stalled[3] == .send)
        var paced = AnswerShaper(
            [(0, .pace(.constant(.seconds(1))))], at: .zero, random: RandomStream(state: 1))
        let due = Instant.zero + .seconds(1)
        let steps = [.zero, .zero + .milliseconds(20), due].map {
            paced.passing(content: 5, at: $0)
        }
        let third = due + .seconds(1)
        #expect(steps == [.send, .hold(until: due), .hold(until: third)])
    }

    @Test("A fault is effective when it acts, once for an answer")
    func effect() {
        var shaper = AnswerShaper(
            [(7, .empty)], at: .zero, random: RandomStream(state: 1))
        var acted: [[UInt32]] = []
        for content in [0, 3, 3] {
            _ = shaper.passing(content: content, at: .zero)
            acted.append(shaper.takeActed())
        }
        #expect(acted == [[], [7], []])
        var dead = AnswerShaper(
            [(9, .halfOpen(after: .chunks(0)))], at: .zero, random: RandomStream(state: 1))
        let isDead = dead.freezesAtOnce()
        let numbers = dead.takeActed()
        #expect(isDead && numbers == [9])
    }
}
