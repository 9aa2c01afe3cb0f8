# The book in a container: docker build -t inside-alexnet . && docker run --rm -p 8000:8000 inside-alexnet
FROM python:3.12-slim AS tools
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git make \
    && rm -rf /var/lib/apt/lists/*

FROM tools AS book
WORKDIR /book
COPY . .
RUN make book
EXPOSE 8000
CMD ["python", "-m", "http.server", "8000", "--directory", "_build/html"]
