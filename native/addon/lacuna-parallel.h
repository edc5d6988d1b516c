#pragma once

#include <algorithm>
#include <exception>
#include <system_error>
#include <thread>
#include <vector>

// Calls fn(ith) on n_threads threads, the calling one included; the exception of any of them is rethrown here
template <typename F> void lacuna_parallel(int n_threads, F && fn) {
    n_threads = std::max(1, n_threads);

    std::vector<std::exception_ptr> errors(n_threads);
    std::vector<std::thread> workers;

    const auto run = [&](int ith) {
        try {
            fn(ith);
        } catch (...) {
            errors[ith] = std::current_exception();
        }
    };

    workers.reserve(n_threads);
    int started = 1;
    try {
        for (; started < n_threads; started++) {
            workers.emplace_back(run, started);
        }
    } catch (const std::system_error &) {
        // no more threads: the rest is done here
    }
    run(0);
    for (int ith = started; ith < n_threads; ith++) {
        run(ith);
    }

    for (auto & worker : workers) {
        worker.join();
    }
    for (auto & error : errors) {
        if (error) {
            std::rethrow_exception(error);
        }
    }
}
