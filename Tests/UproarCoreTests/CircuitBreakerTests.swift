import Testing
import UproarCore

@Suite struct CircuitBreakerTests {
    private func at(_ seconds: Int64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }

    @Test func fiveFailuresInARowOpenItAndAMinuteLaterItIsHalfOpen() {
        var breaker = CircuitBreaker()
        for second in 0..<4 {
            let opened = breaker.failed(at: at(Int64(second)))
            #expect(!opened)
        }
        #expect(breaker.state(at: at(4)) == .closed)
        let opened = breaker.failed(at: at(4))
        #expect(opened)
        #expect(breaker.state(at: at(63)) == .open)
        #expect(breaker.state(at: at(64)) == .halfOpen)
        #expect(!breaker.isAllowed(at: at(64)))
        #expect(breaker.trips == 1)
    }

    @Test func aSuccessBetweenFailuresStartsTheCountAnew() {
        var breaker = CircuitBreaker()
        for _ in 0..<4 { breaker.failed(at: at(1)) }
        breaker.succeeded(begunAt: at(2), at: at(3))
        for _ in 0..<4 { breaker.failed(at: at(4)) }
        #expect(breaker.state(at: at(4)) == .closed)
    }

    @Test func whatWasBegunBeforeTheFailureProvesNothing() {
        var breaker = CircuitBreaker()
        breaker.failed(at: at(5))
        breaker.succeeded(begunAt: at(4), at: at(6))
        #expect(breaker.isSuspect)
        breaker.succeeded(begunAt: at(5), at: at(6))
        #expect(!breaker.isSuspect)
    }

    @Test func aHalfOpenOneClosesBySuccessAndOpensByFailure() {
        var breaker = CircuitBreaker()
        for _ in 0..<5 { breaker.failed(at: at(0)) }
        var other = breaker
        breaker.succeeded(begunAt: at(60), at: at(61))
        #expect(breaker.state(at: at(61)) == .closed)
        #expect(!breaker.isSuspect)
        other.failed(at: at(61))
        #expect(other.state(at: at(120)) == .open)
        #expect(other.state(at: at(121)) == .halfOpen)
        #expect(other.trips == 2)
    }

    @Test func aBadKeyOpensItAtOnce() {
        var breaker = CircuitBreaker()
        let opened = breaker.failed(at: at(0), isFinal: true)
        #expect(opened)
        #expect(breaker.state(at: at(1)) == .open)
    }

    @Test func aRestIsKeptAndHasALimit() {
        var breaker = CircuitBreaker()
        breaker.rest(.seconds(7), at: at(0))
        #expect(!breaker.isAllowed(at: at(6)))
        #expect(breaker.isAllowed(at: at(7)))
        breaker.rest(.seconds(86_400), at: at(10))
        #expect(breaker.isAllowed(at: at(130)))
    }

    @Test func probesOfOneThatFailedComeEverMoreSeldom() {
        var breaker = CircuitBreaker()
        #expect(breaker.probeDue == nil)
        breaker.failed(at: at(10))
        #expect(breaker.probeDue == at(11))
        breaker.failed(at: at(11))
        #expect(breaker.probeDue == at(13))
        breaker.failed(at: at(13))
        #expect(breaker.probeDue == at(17))
        breaker.failed(at: at(17))
        breaker.failed(at: at(25))
        #expect(breaker.probeDue == at(85))
    }

    @Test func theHealthyGoFirstThenTheSuspectAndNeverTheOpen() {
        var breakers = [CircuitBreaker(), CircuitBreaker(), CircuitBreaker()]
        #expect(FailoverOrder.places(breakers, at: at(0)) == [0, 1, 2])
        breakers[0].failed(at: at(0))
        #expect(FailoverOrder.places(breakers, at: at(0)) == [1, 2, 0])
        #expect(FailoverOrder.first(breakers, at: at(0)) == 1)
        #expect(FailoverOrder.first(breakers, at: at(0), excluding: [1, 2]) == 0)
        breakers[1].failed(at: at(0), isFinal: true)
        #expect(FailoverOrder.places(breakers, at: at(0)) == [2, 0])
        #expect(FailoverOrder.places(breakers, at: at(0), excluding: [2, 0]) == [])
        #expect(FailoverOrder.first(breakers, at: at(0), excluding: [2, 0]) == nil)
    }

    @Test func aBudgetAllowsAFifthMoreThanThereWas() {
        var budget = RetryBudget(share: 1, of: 5, saved: 2)
        var retries = 0
        for _ in 0..<100 {
            budget.requested()
            if budget.takeRetry() { retries += 1 }
        }
        #expect((20...22).contains(retries))
    }

    @Test func aBudgetsTextIsWhatARequestEarns() throws {
        #expect(try RetryBudget("1/5") == RetryBudget())
        #expect(try RetryBudget("0/1") == RetryBudget(share: 0, of: 1))
        for text in ["5", "2/1", "1/0", "0.5/1", "1/5x", "-1/5", "a fifth", "1/9999999"] {
            #expect(throws: TextProblem.self, "\(text)") { try RetryBudget(text) }
        }
    }

    @Test func withoutABudgetNobodyPays() throws {
        var budget = try RetryBudget("")
        let taken = (0..<1000).count { _ in budget.takeRetry() }
        #expect(taken == 1000)
    }

    @Test func pausesDoubleUpToTheirLimit() {
        let backoff = Backoff(first: .milliseconds(250), longest: .seconds(2))
        var random = RandomStream(state: 7)
        for (attempt, most) in [(0, 250), (1, 500), (2, 1000), (3, 2000), (9, 2000)] {
            let pause = backoff.pause(attempt: attempt, &random)
            #expect(pause >= .milliseconds(most / 2) && pause <= .milliseconds(most))
        }
    }
}
