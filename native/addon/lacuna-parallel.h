#pragma once

#include <algorithm>
#include <exception>
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

    for (int ith = 1; ith < n_threads; ith++) {
        workers.emplace_back(run, ith);
    }
    run(0);

    for (auto & worker : workers) {
        worker.join();
    }
    for (auto & error : errors) {
        if (error) {
            std::rethrow_exception(error);
        }
    }
}
