import UproarCore

/// The jobs that can run now, in the order the loop was made for.
struct ReadyQueue: ~Copyable {
    private var jobs: [UnownedJob] = []
    /// In arrival order the jobs before `head` have been taken; the array is emptied when it catches up.
    private var head = 0
    private var random: RandomStream?

    init(_ order: ReadyOrder) {
        if case .seeded(let random) = order { self.random = random }
    }

    var isEmpty: Bool { head == jobs.count }

    mutating func append(_ job: UnownedJob) {
        if head > 1024, head * 2 > jobs.count {
            jobs.removeFirst(head)
            head = 0
        }
        jobs.append(job)
    }

    mutating func next() -> UnownedJob? {
        guard head < jobs.count else { return nil }
        if random != nil {
            let pick = random!.below(jobs.count)
            let job = jobs[pick]
            let last = jobs.removeLast()
            if pick < jobs.count { jobs[pick] = last }
            return job
        }
        let job = jobs[head]
        head += 1
        if head == jobs.count {
            jobs.removeAll(keepingCapacity: true)
            head = 0
        }
        return job
    }
}
